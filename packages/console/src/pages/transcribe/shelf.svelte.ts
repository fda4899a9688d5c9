import { untrack } from 'svelte'
import type { Connection } from '../../connection/index.ts'
import { onOtherTab, tellOtherTabs, whyUnkept } from '../../keep/index.ts'
import { offeredModels } from '../../service/index.ts'
import { words } from '../../words/index.ts'
import { Entry } from './entry.svelte.ts'
import { newId, recordings, transcripts } from './kept.ts'
import { nextOf } from './queue.ts'
import { hear } from './send.ts'

/** Edits are kept once nobody has typed for so long. */
const KEEP_MS = 250
/** What is being heard is kept meanwhile: a tab that is closed loses no more than so much. */
const KEEP_RUNNING_MS = 3000

/** All recordings of this page. They outlive it: what runs goes on while another page is looked at. */
class Shelf {
  /** Newest first. */
  entries = $state.raw<readonly Entry[]>([])
  chosenId = $state<string>()
  isLoaded = $state(false)
  /** Why nothing is kept, in words for people. */
  keepTrouble = $state<string>()
  models = $state.raw<readonly string[]>([])
  /** Empty: the service chooses. */
  model = $state('')
  language = $state('')

  #connection: Connection | undefined
  #timers = new Map<string, ReturnType<typeof setTimeout>>()
  /** Ids of what is kept, as far as this tab knows. */
  readonly #kept = new Set<string>()

  get chosen(): Entry | undefined {
    return this.entries.find(({ id }) => id === this.chosenId)
  }

  /** Begins to work for a connection: once, however often the page is opened. */
  open(connection: Connection): void {
    if (this.#connection !== undefined) return
    this.#connection = connection
    void this.#load()
    onOtherTab('transcripts', () => void this.#load())
    $effect.root(() => {
      $effect(() => {
        if (connection.phase !== 'verified') return
        untrack(() => {
          this.#pump()
          if (this.models.length === 0) void this.#findModels(connection)
        })
      })
    })
  }

  /** Files of the reader, each with a state of its own. */
  add(files: Iterable<File>): void {
    const at = Date.now()
    const added = Array.from(
      files,
      (file, i) => new Entry({ id: newId(at + i), name: file.name, at: at + i, bytes: file.size }, file),
    )
    if (added.length === 0) return
    this.entries = [...added.toReversed(), ...this.entries]
    this.chosenId = added[0]!.id
    for (const entry of added) {
      if (this.model !== '') entry.model = this.model
      if (this.language !== '') entry.language = this.language
      void this.#admit(entry)
    }
  }

  /** Once more from the start: what was edited stays. */
  retry(entry: Entry): void {
    if (entry.file === undefined || entry.isBusy) return
    entry.trouble = undefined
    void this.#admit(entry)
  }

  async remove(entry: Entry): Promise<void> {
    entry.cancel()
    this.entries = this.entries.filter((one) => one !== entry)
    if (this.chosenId === entry.id) this.chosenId = this.entries[0]?.id
    clearTimeout(this.#timers.get(entry.id))
    await this.#keeping(async () => {
      await transcripts.remove(entry.id)
      await recordings.remove(entry.id)
    })
  }

  write(entry: Entry, at: number, text: string): void {
    entry.write(at, text)
    clearTimeout(this.#timers.get(entry.id))
    this.#timers.set(
      entry.id,
      setTimeout(() => void this.keep(entry), KEEP_MS),
    )
  }

  /** Keeps the transcript as it stands. */
  async keep(entry: Entry): Promise<void> {
    clearTimeout(this.#timers.get(entry.id))
    if (entry.state === 'refused' || !this.entries.includes(entry)) return
    entry.isDirty = false
    await this.#keeping(async () => {
      await transcripts.put(entry.id, entry.toKept())
      this.#kept.add(entry.id)
    })
  }

  /** Keeps the recording itself, or does not any more. */
  async keepSound(entry: Entry, isKept: boolean): Promise<void> {
    const { file } = entry
    if (isKept && file === undefined) return
    await this.#keeping(async () => {
      await (isKept ? recordings.put(entry.id, file!) : recordings.remove(entry.id))
      entry.isSoundKept = isKept
    })
    await this.keep(entry)
  }

  /** Has a recording that was kept ready to be played. */
  async openSound(entry: Entry): Promise<void> {
    if (entry.file !== undefined || !entry.isSoundKept) return
    entry.file = await recordings.get(entry.id).catch(() => undefined)
  }

  /** The recording of a transcript whose sound was not kept. @returns whether it is as long as that one was */
  reopen(entry: Entry, file: File): boolean {
    if (file.size !== entry.bytes) return false
    entry.file = file
    void entry.look()
    return true
  }

  async #admit(entry: Entry): Promise<void> {
    await entry.check()
    await this.keep(entry)
    this.#pump()
  }

  #pump(): void {
    const connection = this.#connection
    const isOpen = connection?.phase === 'verified'
    for (const entry of nextOf(this.entries.toReversed(), isOpen)) {
      const { model, language } = entry
      const keeping = setInterval(() => void this.keep(entry), KEEP_RUNNING_MS)
      void entry
        .run((file, onSent, signal) => hear(connection!.sotto, file, { model, language }, onSent, signal))
        .then(async () => {
          clearInterval(keeping)
          this.#pump()
          await this.keep(entry)
        })
    }
  }

  async #findModels({ sotto }: Connection): Promise<void> {
    // Without a list the service chooses, as it does for everybody who names none.
    const offered = await offeredModels(sotto).catch(() => [])
    this.models = offered.filter(({ task }) => task === 'transcription').map(({ id }) => id)
  }

  async #load(): Promise<void> {
    const kept = await transcripts.all().catch((error: unknown) => this.#say(error))
    this.isLoaded = true
    if (kept === undefined) return
    const ids = new Set(kept.map(({ id }) => id))
    // Removed in another tab: what is kept no more must not come back from here.
    const isGone = ({ id, isBusy }: Entry): boolean => !isBusy && this.#kept.has(id) && !ids.has(id)
    const known = new Map(this.entries.filter((entry) => !isGone(entry)).map((entry) => [entry.id, entry]))
    for (const one of kept) {
      this.#kept.add(one.id)
      const entry = known.get(one.id)
      if (entry === undefined) known.set(one.id, Entry.ofKept(one))
      else if (!entry.isDirty && !entry.isBusy) entry.take(one)
    }
    this.entries = [...known.values()].toSorted((a, b) => (a.id < b.id ? 1 : -1))
    if (this.chosen === undefined) this.chosenId = this.entries[0]?.id
  }

  async #keeping(work: () => Promise<void>): Promise<void> {
    try {
      await work()
      this.keepTrouble = undefined
      tellOtherTabs('transcripts')
    } catch (error) {
      this.#say(error)
    }
  }

  #say(error: unknown): undefined {
    this.keepTrouble = words.trouble[whyUnkept(error)]
  }
}

export const shelf = new Shelf()
