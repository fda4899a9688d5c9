import type { LiveEvent } from '@sotto/client'
import { type Trouble, troubleOf } from '../../connection/index.ts'
import { words } from '../../words/index.ts'
import { admit, NotAdmitted } from './admit.ts'
import type { KeptTranscript } from './kept.ts'
import { editsSince, mergeTranscripts, withEdits } from './merge.ts'
import { type State, stateAfterReload } from './queue.ts'
import { edit, finish, place, type Segment } from './segments.ts'

/** Cut on the way: what was heard so far is true, and the rest can be asked for again. */
const LOST: ReadonlySet<string | undefined> = new Set(['RELAY_UNREACHABLE', 'RESPONSE_TRUNCATED'])
/** The service does not read the file, and never will. */
const ABOUT_THE_FILE = /^(?:audio_(?!cancelled|failed)|api_(?!busy))/

/** One recording on the page: the file as long as the page is open, and what was heard of it. */
export class Entry {
  readonly id: string
  readonly name: string
  readonly at: number
  readonly bytes: number
  state = $state<State>('checking')
  /** In words for people, of one that was refused here. */
  why = $state<string>()
  trouble = $state.raw<Trouble>()
  sentBytes = $state(0)
  seconds = $state<number>()
  peaks = $state.raw<Uint8Array>()
  segments = $state.raw<readonly Segment[]>([])
  /** Heard, of a stretch that is not complete. */
  coming = $state('')
  /** Seconds up to which this run heard. */
  heardSeconds = $state(0)
  /** To be played. */
  file = $state.raw<Blob>()
  isConverting = $state(false)
  isSoundKept = $state(false)
  model = $state<string>()
  language = $state<string>()
  /** Edited since it was kept last. */
  isDirty = false
  /** As it is kept, as far as this tab knows; undefined before it is. */
  base: KeptTranscript | undefined

  #cancel = new AbortController()
  #looking = new AbortController()
  /** What is sent in place of a file that the service does not read. */
  #converted: Blob | undefined
  #count = 0

  constructor(about: { id: string; name: string; at: number; bytes: number }, file?: Blob) {
    this.id = about.id
    this.name = about.name
    this.at = about.at
    this.bytes = about.bytes
    this.file = file
  }

  static ofKept(kept: KeptTranscript): Entry {
    const entry = new Entry(kept)
    entry.state = stateAfterReload(kept.state)
    entry.#show(kept)
    entry.take(kept)
    return entry
  }

  /** Shows what is kept now, by this tab or another one, with what was done here since it was seen last. */
  take(kept: KeptTranscript): void {
    // What is kept for the first time stands here already.
    if (this.base !== undefined) this.#show(mergeTranscripts(this.base, this.toKept(), kept, this.isBusy))
    this.base = { ...kept, state: stateAfterReload(kept.state) }
  }

  #show(kept: KeptTranscript): void {
    if (!this.isBusy) this.state = stateAfterReload(kept.state)
    this.segments = kept.segments
    this.seconds = kept.seconds
    this.peaks = kept.peaks
    this.model = kept.model
    this.language = kept.language
    this.isSoundKept = kept.isSoundKept
  }

  /** What shall be kept in the place of `kept`; undefined for what another tab has removed. */
  toKeep(kept: KeptTranscript | undefined): KeptTranscript | undefined {
    const own = this.toKept()
    if (this.base === undefined) return own
    if (kept === undefined) return this.isBusy ? own : undefined
    return mergeTranscripts(this.base, own, kept, this.isBusy)
  }

  /** What was typed here and is not kept. */
  get unkeptEdits(): Segment[] {
    return editsSince(this.base?.segments ?? [], this.segments)
  }

  /** Types once more what was typed before the page went. */
  redo(edits: readonly Segment[]): void {
    this.segments = withEdits(this.segments, edits)
    this.isDirty = true
  }

  toKept(): KeptTranscript {
    const { id, name, at, bytes, state, segments, seconds, peaks, model, language, isSoundKept } = this
    return { id, name, at, bytes, state, segments, seconds, peaks, model, language, isSoundKept }
  }

  /** Whether something runs that can be cancelled. */
  get isBusy(): boolean {
    return this.state === 'checking' || this.state === 'waiting' || this.state === 'sending'
  }

  /** Judges the file and looks at it; then it waits for its turn. */
  async check(): Promise<void> {
    const { signal } = (this.#cancel = new AbortController())
    const file = this.file!
    this.state = 'checking'
    try {
      const { isForeign } = await admit(file)
      if (isForeign) await this.#convert(file, signal)
      signal.throwIfAborted()
      this.state = 'waiting'
      void this.look()
    } catch (error) {
      // Who cancelled may have begun anew meanwhile.
      if (this.#cancel.signal !== signal) return
      if (signal.aborted) this.state = 'stopped'
      else this.#refuse(error instanceof NotAdmitted ? error.message : words.transcribe.refused.unreadable)
    }
  }

  /** Length and waveform, once. */
  async look(): Promise<void> {
    if (this.file === undefined || this.peaks !== undefined) return
    const { decodeSound } = await import('../../audio/decode.ts')
    const { signal } = (this.#looking = new AbortController())
    const sound = await decodeSound(this.#converted ?? this.file, signal).catch(() => undefined)
    this.seconds ??= sound?.seconds
    this.peaks ??= sound?.peaks
  }

  async #convert(file: Blob, signal: AbortSignal): Promise<void> {
    this.isConverting = true
    try {
      const { convertSound } = await import('../../audio/decode.ts')
      this.#converted = await convertSound(file, signal)
    } finally {
      this.isConverting = false
    }
    if (this.#converted === undefined) throw new NotAdmitted(words.transcribe.refused.foreign)
  }

  #refuse(why: string): void {
    this.state = 'refused'
    this.why = why
    // A file that is not sent is not held either.
    this.file = undefined
  }

  /** Reads what the service hears of the file, to its end. Never throws: the state says how it went. */
  async run(
    hear: (file: Blob, onSent: (bytes: number) => void, signal: AbortSignal) => AsyncIterable<LiveEvent>,
  ): Promise<void> {
    const { signal } = (this.#cancel = new AbortController())
    this.state = 'sending'
    this.trouble = undefined
    this.coming = ''
    this.sentBytes = this.heardSeconds = this.#count = 0
    const file = this.#converted ?? this.file!
    // A converted one has another size: what is shown is a share of the file as the reader knows it.
    const scale = this.bytes / file.size
    try {
      const events = hear(file, (bytes) => (this.sentBytes = Math.round(bytes * scale)), signal)
      for await (const event of events) {
        signal.throwIfAborted()
        this.#hear(event)
      }
      this.segments = finish(this.segments, this.#count)
      this.state = 'done'
    } catch (error) {
      // Who cancelled may have begun anew meanwhile.
      if (this.#cancel.signal !== signal) return
      if (signal.aborted) this.state = 'stopped'
      else if (await this.#isConverted(error, file, signal)) this.state = 'waiting'
      else {
        this.state = signal.aborted ? 'stopped' : 'failed'
        if (!signal.aborted) this.trouble = this.#troubleOf(error)
      }
    }
    this.coming = ''
  }

  /** A format within a format that the service does not read: this browser may, and it is sent once more. */
  async #isConverted(error: unknown, file: Blob, signal: AbortSignal): Promise<boolean> {
    if (troubleOf(error).found !== 'audio_unsupported' || this.#converted !== undefined) return false
    return this.#convert(file, signal).then(
      () => true,
      () => false,
    )
  }

  #hear(event: LiveEvent): void {
    if (event.type === 'delta') this.coming += event.text
    else if (event.type === 'segment') {
      const { start, end, text } = event
      this.segments = place(this.segments, this.#count++, { start, end, heard: text })
      this.heardSeconds = end
      this.coming = ''
    } else if (this.#count === 0 && event.text.trim() !== '')
      this.segments = place(this.segments, this.#count++, {
        start: 0,
        end: this.seconds ?? 0,
        heard: event.text,
      })
  }

  #troubleOf(error: unknown): Trouble {
    const trouble = troubleOf(error)
    if (LOST.has(trouble.code))
      return { ...trouble, message: words.transcribe.lost, hint: words.transcribe.lostHint }
    if (trouble.code !== 'LIVE_REFUSED') return trouble
    return { ...trouble, canRetry: !ABOUT_THE_FILE.test(trouble.found ?? '') }
  }

  /** Ends whatever runs, and frees what it holds. */
  cancel(): void {
    this.#cancel.abort()
    this.#looking.abort()
    if (this.isBusy) this.state = 'stopped'
  }

  write(at: number, text: string): void {
    this.segments = this.segments.with(at, edit(this.segments[at]!, text))
    this.isDirty = true
  }
}
