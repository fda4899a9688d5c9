import type { Sotto } from '@sotto/client'
import { type Trouble, troubleOf } from '../../connection/index.ts'
import { open, tabValue, whyUnkept } from '../../keep/index.ts'
import { words } from '../../words/index.ts'
import { askSummary, type Summariser } from './ask.ts'
import { type Draft, EMPTY_DRAFT, fingerprint, type Outcome, parseDraft, wordsOf } from './draft.ts'
import { scoresOf } from './scores.ts'
import { type SummaryEvent, summariseText } from './summarise-text.ts'

const table = open<unknown>('values')
/**
 * Kept twice. For this tab alone: whatever another one does, it is found again after a reload. And in the table, where a new
 * tab finds what was changed last in any.
 */
const [DRAFT, OUTCOME] = ['summarise.draft', 'summarise.outcome']
/** Typing goes on meanwhile. */
const KEEP_MS = 400

/** Where a long text is. */
export interface Progress {
  parts: number
  part: number
  round: number
  isFinal: boolean
}

/** Drafts and summaries of this page. They outlive it: somebody may look at another page while one is written. */
class Summaries {
  draft = $state<Draft>({ ...EMPTY_DRAFT })
  /** What is written now, or was until it was cancelled. */
  written = $state('')
  progress = $state<Progress>()
  outcome = $state.raw<Outcome>()
  trouble = $state.raw<Trouble>()
  isWorking = $state(false)
  isCancelled = $state(false)
  /** Why nothing is kept, in words. */
  unkept = $state<string>()

  #loaded: Promise<void> | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #cancel: AbortController | undefined

  /** What was there last time. */
  load(): Promise<void> {
    this.#loaded ??= this.#load()
    return this.#loaded
  }

  /** The draft has changed. */
  keep(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#keepNow(), KEEP_MS)
  }

  #keepNow(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    void this.#put(DRAFT, $state.snapshot(this.draft))
  }

  clear(): void {
    this.draft.text = ''
    this.#keepNow()
  }

  /** The summary, here and where it is kept. */
  async discard(): Promise<void> {
    this.outcome = undefined
    await this.#put(OUTCOME, undefined)
  }

  cancel(): void {
    this.#cancel?.abort()
  }

  async run(sotto: Sotto, model: Summariser): Promise<void> {
    const draft = $state.snapshot(this.draft)
    const asked = wordsOf(draft)
    if (this.isWorking || asked === undefined) return
    const cancel = new AbortController()
    this.#cancel = cancel
    this.isWorking = true
    this.isCancelled = false
    this.trouble = undefined
    const before = this.outcome
    this.outcome = undefined
    this.written = ''
    this.progress = undefined
    // A tab with a summary of its own has its text too.
    this.#keepNow()
    const started = performance.now()
    try {
      const { text, ...rest } = await summariseText(
        { text: draft.text, words: asked },
        (ask) => askSummary(sotto, model, ask, cancel.signal),
        (event) => this.#follow(event),
      )
      const seconds = (performance.now() - started) / 1000
      const scores = scoresOf(text, draft.reference)
      const madeOf = fingerprint({ ...draft, model: model.id })
      this.outcome = { ...rest, summary: text, model: model.id, seconds, scores, madeOf }
      this.written = ''
      await this.#put(OUTCOME, this.outcome)
    } catch (error) {
      if (cancel.signal.aborted) this.isCancelled = true
      else {
        this.trouble = troubleOf(error)
        // Nothing took its place.
        if (this.written === '') this.outcome = before
      }
    } finally {
      this.isWorking = false
      this.progress = undefined
    }
  }

  /** The reference came, or was changed, after the summary. */
  compare(): void {
    if (this.outcome === undefined || this.isWorking) return
    this.outcome = { ...this.outcome, scores: scoresOf(this.outcome.summary, this.draft.reference) }
    void this.#put(OUTCOME, this.outcome)
  }

  #follow(event: SummaryEvent): void {
    switch (event.type) {
      case 'parts':
        this.progress = { parts: event.count, part: 0, round: event.round, isFinal: false }
        break
      case 'part':
        if (this.progress) this.progress.part = event.index
        break
      case 'begin':
        this.written = ''
        if (this.progress) this.progress.isFinal = event.isFinal
        break
      case 'delta':
        this.written += event.text
    }
  }

  async #load(): Promise<void> {
    // What was typed last is not lost with the tab.
    addEventListener('pagehide', () => this.#timer !== undefined && this.#keepNow())
    const own = tabValue(DRAFT).read()
    if (own !== undefined) {
      this.draft = parseDraft(own)
      this.outcome = tabValue(OUTCOME).read() as Outcome | undefined
      return
    }
    try {
      const [draft, outcome] = await Promise.all([table.get(DRAFT), table.get(OUTCOME)])
      if (this.draft.text === '' && draft !== undefined) this.draft = parseDraft(draft)
      this.outcome ??= outcome as Outcome | undefined
      // From here on they are this tab's.
      tabValue(DRAFT).write($state.snapshot(this.draft))
      tabValue(OUTCOME).write(this.outcome)
    } catch (error) {
      this.#tell(error)
    }
  }

  /** Keeps a value, in this tab before it returns; undefined erases it. */
  async #put(key: string, value: unknown): Promise<void> {
    const inTab = async (): Promise<void> => tabValue(key).write(value)
    const inTable = value === undefined ? table.remove(key) : table.put(key, value)
    const failed = (await Promise.allSettled([inTab(), inTable])).find(({ status }) => status === 'rejected')
    if (failed === undefined) this.unkept = undefined
    else this.#tell((failed as PromiseRejectedResult).reason)
  }

  #tell(error: unknown): void {
    this.unkept = words.trouble[whyUnkept(error)]
  }
}

export const summaries = new Summaries()
