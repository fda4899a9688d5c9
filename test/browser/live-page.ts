import { fromBase64 } from '@sotto/protocol/bytes'
import { parseTrustPolicy } from '@sotto/verifier'
import { connect } from '@sotto/client'

/** Runs inside the page: a recording is spoken piece by piece, and what is heard of it is noted as it comes. */

/** What happened, in order. */
export type LiveNote =
  | { readonly what: 'sent'; readonly bytes: number }
  | { readonly what: 'heard'; readonly text: string }
  | { readonly what: 'done'; readonly text: string }

/** What the page offers to the test. */
export interface LivePageApi {
  /**
   * Sends a recording and waits before its last `heldBytes` until some text of it was read.
   * @param millisecondsPerPiece how long each piece of 3200 bytes takes to speak
   */
  speak(
    relay: string,
    policyJson: string,
    recordingBase64: string,
    heldBytes: number,
    millisecondsPerPiece: number,
  ): Promise<LiveNote[]>
  /** Plays a recording once into the browser's own recorder, which goes on until some text of it was read. */
  record(relay: string, policyJson: string, wavBase64: string): Promise<{ type: string; notes: LiveNote[] }>
  /** The code of the error, where a relay or a service refuses. */
  refusal(relay: string, policyJson: string): Promise<string>
}

const PIECE_BYTES = 3200

const api: LivePageApi = {
  async speak(relay, policyJson, recordingBase64, heldBytes, millisecondsPerPiece) {
    const recording = fromBase64(recordingBase64)
    const sotto = await connect(relay, { policy: parseTrustPolicy(policyJson) })
    const notes: LiveNote[] = []
    let wake: () => void = () => {}
    const hasText = (): boolean => notes.some(({ what }) => what === 'heard')
    async function* microphone(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < recording.length; at += PIECE_BYTES) {
        if (at >= recording.length - heldBytes && !hasText())
          await new Promise<void>((resolve) => (wake = resolve))
        yield recording.slice(at, at + PIECE_BYTES)
        notes.push({ what: 'sent', bytes: Math.min(recording.length, at + PIECE_BYTES) })
        await new Promise((resolve) => setTimeout(resolve, millisecondsPerPiece))
      }
    }
    for await (const event of sotto.transcribeLive(microphone())) {
      if (event.type === 'delta') notes.push({ what: 'heard', text: event.text })
      if (event.type === 'done') notes.push({ what: 'done', text: event.text })
      wake()
    }
    return notes
  },
  async record(relay, policyJson, wavBase64) {
    const sotto = await connect(relay, { policy: parseTrustPolicy(policyJson) })
    const audio = new AudioContext()
    const speaker = audio.createBufferSource()
    speaker.buffer = await audio.decodeAudioData(fromBase64(wavBase64).buffer as ArrayBuffer)
    const microphone = audio.createMediaStreamDestination()
    speaker.connect(microphone)
    const recorder = new MediaRecorder(microphone.stream, { mimeType: 'audio/webm;codecs=opus' })
    const notes: LiveNote[] = []
    let bytes = 0
    const pieces = new ReadableStream<Uint8Array>({
      start(controller) {
        let last = Promise.resolve()
        recorder.addEventListener('dataavailable', ({ data }) => {
          last = last.then(async () => {
            const piece = new Uint8Array(await data.arrayBuffer())
            if (piece.length > 0) controller.enqueue(piece)
            notes.push({ what: 'sent', bytes: (bytes += piece.length) })
          })
        })
        recorder.addEventListener('stop', () => void last.then(() => controller.close()))
      },
    })
    recorder.start(100)
    speaker.start()
    for await (const event of sotto.transcribeLive(pieces)) {
      if (event.type === 'delta') notes.push({ what: 'heard', text: event.text })
      if (event.type === 'done') notes.push({ what: 'done', text: event.text })
      if (event.type === 'delta' && recorder.state === 'recording') recorder.stop()
    }
    await audio.close()
    return { type: recorder.mimeType, notes }
  },
  async refusal(relay, policyJson) {
    try {
      const sotto = await connect(relay, { policy: parseTrustPolicy(policyJson) })
      for await (const event of sotto.transcribeLive(new Blob(['no recording']).stream())) void event
      return 'none'
    } catch (error) {
      const { code, found } = error as { code?: string; found?: string }
      return `${code} ${found ?? ''}`.trim()
    }
  },
}

Object.assign(globalThis, { live: api })
