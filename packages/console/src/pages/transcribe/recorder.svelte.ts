import { MicrophoneError, type Microphone, openMicrophone, pcm16, SAMPLE_RATE } from '../../audio/index.ts'
import { wavHeader } from '@sotto/client/live'
import { words } from '../../words/index.ts'
import { MAX_BYTES } from './admit.ts'

const HEADER_BYTES = 44

/** Has the browser ask before what was said is lost with the tab. */
function warn(event: Event): void {
  event.preventDefault()
}

/** The microphone of this page. It goes on while another page is looked at. */
class Recorder {
  phase = $state<'idle' | 'opening' | 'recording'>('idle')
  seconds = $state(0)
  level = $state(0)
  /** In words for people. */
  trouble = $state<string>()

  #microphone: Microphone | undefined
  #pieces: BlobPart[] = []
  #bytes = 0
  #cancel = new AbortController()
  #onFile: (file: File) => void = () => {}

  /** @param onFile is given the recording, once it ends */
  async start(onFile: (file: File) => void): Promise<void> {
    if (this.phase !== 'idle') return
    this.phase = 'opening'
    this.trouble = undefined
    this.seconds = this.#bytes = 0
    this.#pieces = []
    this.#onFile = onFile
    this.#cancel = new AbortController()
    const { signal } = this.#cancel
    try {
      this.#microphone = await openMicrophone({
        signal,
        onSamples: (samples) => this.#take(samples),
        onLevel: (level) => (this.level = level),
        // What was said so far is not lost with the microphone.
        onLost: (error) => void this.stop().then(() => this.#say(error)),
      })
      this.phase = 'recording'
      addEventListener('beforeunload', warn)
    } catch (error) {
      // Who discarded it may have begun anew while the browser still asked.
      if (signal.aborted) return
      this.phase = 'idle'
      this.#say(error)
    }
  }

  /** Ends the recording and hands it over. */
  async stop(): Promise<void> {
    if (this.phase !== 'recording') return
    this.#idle()
    // Hands out the last samples at once; another recording may begin while the rest of it ends.
    const closing = this.#microphone?.close()
    this.level = 0
    const pieces = this.#pieces
    const bytes = this.#bytes
    const onFile = this.#onFile
    this.#pieces = []
    await closing
    if (bytes === 0) return
    const at = new Date()
    onFile(
      new File([wavHeader(SAMPLE_RATE, bytes), ...pieces], words.transcribe.recordingName(at), {
        type: 'audio/wav',
        lastModified: at.getTime(),
      }),
    )
  }

  /** Throws away what was recorded. */
  discard(): void {
    this.#cancel.abort()
    this.#idle()
    this.level = 0
    this.#pieces = []
  }

  #idle(): void {
    this.phase = 'idle'
    removeEventListener('beforeunload', warn)
  }

  #take(samples: Float32Array): void {
    const bytes = pcm16(samples)
    this.#pieces.push(bytes)
    this.#bytes += bytes.length
    this.seconds = this.#bytes / 2 / SAMPLE_RATE
    // One second before the service would refuse it.
    if (this.#bytes + HEADER_BYTES + 2 * SAMPLE_RATE > MAX_BYTES) void this.stop()
  }

  #say(error: unknown): void {
    const why = error instanceof MicrophoneError ? error.why : 'unsupported'
    this.trouble = words.transcribe.microphone[why]
  }
}

export const recorder = new Recorder()
