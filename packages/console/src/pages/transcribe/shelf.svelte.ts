import { untrack } from 'svelte'
import type { Connection } from '../../connection/index.ts'
import { onOtherTab, tellOtherTabs, whyUnkept } from '../../keep/index.ts'
import { offeredModels } from '../../service/index.ts'
import { words } from '../../words/index.ts'
import { Entry } from './entry.svelte.ts'
import { newId, recordings, transcripts } from './kept.ts'
import { nextOf } from './queue.ts'
import { hear } from './send.ts'
import { lastTyped } from './typed.ts'

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

  get chosen(): Entry | undefined {
    return this.entries.find(({ id }) => id === this.chosenId)
  }

  /** Begins to work for a connection: once, however often the page is opened. */
  open(connection: Connection): void {
    if (this.#connection !== undefined) return
    this.#connection = connection
    void this.#load().then(() => this.#redo())
    addEventListener('pagehide', () => this.#leave())
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
    this.#drop(entry)
    await this.#keeping(async () => {
      await transcripts.remove(entry.id)
      await recordings.remove(entry.id)
    })
    // There may be room now for what there was none for.
    for (const one of this.entries) if (one.isDirty) void this.keep(one)
  }

  write(entry: Entry, at: number, text: string): void {
    entry.write(at, text)
    clearTimeout(this.#timers.get(entry.id))
    this.#timers.set(
      entry.id,
      setTimeout(() => void this.keep(entry), KEEP_MS),
    )
  }

  /** Keeps the transcript as it stands, with what another tab has kept of it meanwhile. */
  async keep(entry: Entry): Promise<void> {
    clearTimeout(this.#timers.get(entry.id))
    if (entry.state === 'refused' || !this.entries.includes(entry)) return
    entry.isDirty = false
    const isKept = await this.#keeping(async () => {
      const both = await transcripts.change(entry.id, (kept) => entry.toKeep(kept))
      if (both === undefined) this.#drop(entry)
      else entry.take(both)
    })
    if (!isKept) entry.isDirty = true
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
    const isGone = ({ id, base }: Entry): boolean => base !== undefined && !ids.has(id)
    for (const entry of this.entries.filter(isGone)) {
      // Heard here all the same: it is kept as a new one.
      if (entry.isBusy) entry.base = undefined
      else this.#drop(entry)
    }
    const known = new Map(this.entries.map((entry) => [entry.id, entry]))
    for (const one of kept) {
      const entry = known.get(one.id)
      if (entry === undefined) known.set(one.id, Entry.ofKept(one))
      else entry.take(one)
    }
    this.entries = [...known.values()].toSorted((a, b) => (a.id < b.id ? 1 : -1))
    if (this.chosen === undefined) this.chosenId = this.entries[0]?.id
  }

  #drop(entry: Entry): void {
    clearTimeout(this.#timers.get(entry.id))
    this.entries = this.entries.filter((one) => one !== entry)
    if (this.chosenId === entry.id) this.chosenId = this.entries[0]?.id
  }

  /** The page is about to go, and nothing waits for what it keeps: what was typed last stays in the tab. */
  #leave(): void {
    this.#remember()
    for (const entry of this.entries) if (entry.isDirty) void this.keep(entry)
  }

  /** Not by `isDirty`: what is being kept is not kept yet. */
  #remember(): void {
    const typed = this.entries.map(({ id, unkeptEdits }) => ({ id, edits: unkeptEdits }))
    lastTyped.write(typed.filter(({ edits }) => edits.length > 0))
  }

  /** Types once more what this tab could not keep before it was reloaded. */
  async #redo(): Promise<void> {
    for (const { id, edits } of lastTyped.read()) {
      const entry = this.entries.find((one) => one.id === id)
      entry?.redo(edits)
      if (entry) await this.keep(entry)
    }
    this.#remember()
  }

  async #keeping(work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      this.keepTrouble = undefined
      tellOtherTabs('transcripts')
      return true
    } catch (error) {
      this.#say(error)
      return false
    }
  }

  #say(error: unknown): undefined {
    this.keepTrouble = words.trouble[whyUnkept(error)]
  }
}

export const shelf = new Shelf()
