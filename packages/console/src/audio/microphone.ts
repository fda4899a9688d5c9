import { levelOf } from './level.ts'
import { MicrophoneError, microphoneCauseOf } from './microphone-error.ts'
import { SAMPLE_RATE } from './pcm.ts'
import { createResampler } from './resample.ts'

export interface MicrophoneOptions {
  /** Closes the microphone, also while the browser still asks for it. */
  signal?: AbortSignal
  /** One channel of 16 kHz, some ten milliseconds at a time. The array is the listener's own. */
  onSamples: (samples: Float32Array) => void
  /** How loud it is, 0 to 1, about 20 times a second. */
  onLevel?: (level: number) => void
  /** It was taken away while it was open (`lost`). Nothing comes after that. */
  onLost?: (error: MicrophoneError) => void
}

/** A microphone that is open. Browsers show a mark as long as it is. */
export interface Microphone {
  /** Ends it and hands out the last samples. Any number of times. */
  close(): Promise<void>
}

/** Served beside the pages: the script policy allows no other place for it. */
const WORKLET = 'microphone-worklet.js'
const LEVEL_MS = 50

/**
 * Opens the microphone. Nothing leaves the browser here.
 * @throws {@link MicrophoneError} says why there is none; the reason of the signal
 */
export async function openMicrophone({
  signal,
  onSamples,
  onLevel,
  onLost,
}: MicrophoneOptions): Promise<Microphone> {
  signal?.throwIfAborted()
  const stream = await askForStream()
  let context: AudioContext | undefined
  let isOpen = true
  async function release(): Promise<void> {
    for (const track of stream.getTracks()) track.stop()
    if (context && context.state !== 'closed') await context.close()
  }
  try {
    context = new AudioContext()
    await context.audioWorklet.addModule(new URL(WORKLET, document.baseURI).href)
    // A page that was opened by its address may hold sound back until somebody presses a key: somebody did.
    await context.resume()
    signal?.throwIfAborted()
    return listen(context)
  } catch (error) {
    await release()
    signal?.throwIfAborted()
    throw new MicrophoneError('unsupported', error)
  }

  function listen(card: AudioContext): Microphone {
    const resampler = createResampler(card.sampleRate, SAMPLE_RATE)
    const source = card.createMediaStreamSource(stream)
    const worklet = new AudioWorkletNode(card, 'microphone', { numberOfOutputs: 0, channelCount: 1 })
    let shown = 0
    worklet.port.onmessage = ({ data }: MessageEvent<Float32Array>) => {
      if (!isOpen) return
      const samples = resampler.take(data)
      if (samples.length > 0) onSamples(samples)
      const now = performance.now()
      if (now - shown < LEVEL_MS) return
      shown = now
      onLevel?.(levelOf(data))
    }
    async function close(): Promise<void> {
      if (!isOpen) return
      isOpen = false
      signal?.removeEventListener('abort', stop)
      const rest = resampler.end()
      if (rest.length > 0) onSamples(rest)
      source.disconnect()
      worklet.port.close()
      await release()
    }
    const stop = (): void => void close()
    signal?.addEventListener('abort', stop, { once: true })
    for (const track of stream.getAudioTracks())
      track.addEventListener('ended', () => {
        if (!isOpen) return
        void close()
        onLost?.(new MicrophoneError('lost'))
      })
    source.connect(worklet)
    return { close }
  }
}

async function askForStream(): Promise<MediaStream> {
  // Absent where the page does not come over https or from this machine.
  const devices = navigator.mediaDevices as MediaDevices | undefined
  if (devices === undefined || typeof AudioWorkletNode === 'undefined')
    throw new MicrophoneError('unsupported')
  try {
    return await devices.getUserMedia({
      audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
    })
  } catch (error) {
    throw new MicrophoneError(microphoneCauseOf(error), error)
  }
}
