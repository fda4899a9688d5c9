import type { Microphone, MicrophoneCause } from '../../audio/index.ts'
import { MicrophoneError } from '../../audio/microphone-error.ts'
import { type Connection, type Trouble, troubleOf } from '../../connection/index.ts'
import { SILENT, talk, type TalkEvent, type TalkState } from './talk.ts'

/** Talking to the page: the microphone, and what was heard. One for the page. */
class Talking {
  state = $state.raw<TalkState>(SILENT)
  heard = $state('')
  /** 0 to 1. */
  level = $state(0)
  /** Why there is no microphone. */
  microphone = $state<MicrophoneCause>()
  /** Why what was said did not become text. */
  trouble = $state.raw<Trouble>()
  note = $state<'nothing' | 'again'>()

  #over: AbortController | undefined
  #finish: (() => void) | undefined

  /** @param onHeard what was said; `isWhole` is false when the end is missing */
  tell(event: TalkEvent, connection: Connection, onHeard: (text: string, isWhole: boolean) => void): void {
    if (this.state.phase === 'idle' && connection.phase !== 'verified') return
    const { state, action } = talk(this.state, event)
    this.state = state
    if (action === 'open') void this.#talk(connection, onHeard)
    if (action === 'finish') this.#finish?.()
    if (action === 'cancel') {
      this.cancel()
      this.note = 'again'
    }
  }

  /** What went wrong is read. */
  forget(): void {
    this.microphone = undefined
    this.trouble = undefined
    this.note = undefined
  }

  /** Ends it at once. @returns what was heard, for who wants it */
  cancel(): string {
    const { heard } = this
    this.#over?.abort()
    this.state = SILENT
    this.heard = ''
    return heard.trim()
  }

  async #talk(connection: Connection, onHeard: (text: string, isWhole: boolean) => void): Promise<void> {
    const over = new AbortController()
    this.#over = over
    this.heard = ''
    this.level = 0
    this.forget()
    let microphone: Microphone | undefined
    let isLost = false
    try {
      const audio = await import('../../audio/index.ts')
      const speech = audio.speechStream()
      const { sotto } = connection
      this.#finish = () => void microphone?.close().then(() => speech.end())
      microphone = await audio.openMicrophone({
        signal: over.signal,
        onSamples: (samples) => speech.take(samples),
        onLevel: (level) => (this.level = level),
        onLost: () => {
          isLost = true
          this.microphone = 'lost'
          this.#finish?.()
        },
      })
      this.#next(over, { type: 'opened' })
      const options = { sampleRate: audio.SAMPLE_RATE, signal: over.signal }
      for await (const event of sotto.transcribeLive(speech.audio, options)) {
        if (event.type === 'delta') this.heard += event.text
        if (event.type === 'done') this.heard = event.text
      }
      if (this.heard.trim() === '') this.note = 'nothing'
      else onHeard(this.heard.trim(), !isLost)
    } catch (error) {
      if (over.signal.aborted) return
      if (error instanceof MicrophoneError) this.microphone = error.why
      else this.trouble = troubleOf(error)
      if (this.heard.trim() !== '') onHeard(this.heard.trim(), false)
    } finally {
      over.abort()
      await microphone?.close()
      this.#next(over, { type: 'over' })
    }
  }

  /** Only for the talk that goes on now: one that was cancelled ends later than the next may begin. */
  #next(own: AbortController, event: TalkEvent): void {
    if (this.#over !== own) return
    if (event.type === 'over') this.heard = ''
    this.state = talk(this.state, event).state
  }
}

export const talking = new Talking()
