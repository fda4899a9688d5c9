import type { ModelOwner, PublishedModel } from '@sotto/client'
import { SottoError } from '@sotto/protocol/errors'
import { type Connection, type Trouble, troubleOf } from '../../connection/index.ts'
import { open } from '../../keep/index.ts'
import { words } from '../../words/index.ts'
import { type ChosenFiles, partBytesOf } from './chosen-files.ts'

/** What was not finished, in this tab or an earlier one. The files themselves are never kept. */
export interface Unfinished {
  name: string
  files: string[]
}

export type Phase =
  | 'idle'
  | 'reading'
  | 'sealing'
  | 'uploading'
  | 'publishing'
  | 'done'
  | 'failed'
  | 'cancelled'

const table = open<Unfinished>('values')
const UNFINISHED = 'models.unfinished'

/** A service that is away is asked again after this time. */
const AGAIN_MS = 30_000

/** The one upload of this tab. It goes on while other pages are looked at. */
class Upload {
  chosen = $state.raw<ChosenFiles>()
  name = $state('')
  phase = $state<Phase>('idle')
  /** Bytes that were sealed, and that the registry has. */
  prepared = $state(0)
  uploaded = $state(0)
  trouble = $state.raw<Trouble>()
  published = $state.raw<PublishedModel>()
  unfinished = $state.raw<Unfinished>()

  #cancel: AbortController | undefined
  /** Ends the wait for another try. */
  #unwait: (() => void) | undefined

  get isWorking(): boolean {
    return ['reading', 'sealing', 'uploading', 'publishing'].includes(this.phase)
  }

  async load(): Promise<void> {
    this.unfinished = await table.get(UNFINISHED).catch(() => undefined)
  }

  choose(chosen: ChosenFiles): void {
    this.chosen = chosen
    // The same again is the same model: it goes on under the name that it had.
    const isSame = this.unfinished?.files.join() === Object.keys(chosen.files).toSorted().join()
    this.name = isSame ? this.unfinished!.name : chosen.name
    this.#unwait?.()
    this.phase = 'idle'
    this.trouble = undefined
  }

  reset(): void {
    if (this.isWorking) return
    this.#unwait?.()
    this.chosen = undefined
    this.phase = 'idle'
    this.trouble = undefined
    this.published = undefined
  }

  cancel(): void {
    this.#cancel?.abort()
  }

  /** Seals and uploads what was chosen; goes on where an earlier try ended. */
  async run(connection: Connection, owner: ModelOwner): Promise<void> {
    const { chosen, name } = this
    if (chosen === undefined || this.isWorking) return
    this.#unwait?.()
    const cancel = new AbortController()
    this.#cancel = cancel
    this.phase = 'reading'
    this.prepared = 0
    this.uploaded = 0
    this.trouble = undefined
    addEventListener('beforeunload', stay)
    await this.#note({ name, files: Object.keys(chosen.files).toSorted() })
    try {
      this.published = await connection.sotto.models.upload(chosen.files, {
        owner,
        name,
        partBytes: partBytesOf(chosen.bytes),
        signal: cancel.signal,
        onPrepared: (bytes) => {
          this.prepared += bytes
          this.phase = this.prepared < chosen.bytes ? 'sealing' : 'uploading'
        },
        onUploaded: (bytes) => {
          this.uploaded += bytes
          // Sealed it is a little longer: all of it is there when no part is left.
          this.phase = this.uploaded >= chosen.bytes ? 'publishing' : 'uploading'
        },
      })
      this.phase = 'done'
      await this.#note(undefined)
    } catch (error) {
      this.phase = cancel.signal.aborted ? 'cancelled' : 'failed'
      if (!cancel.signal.aborted) this.trouble = explain(error, owner)
      if (this.trouble?.canRetry) this.#wait(() => void this.run(connection, owner))
    } finally {
      removeEventListener('beforeunload', stay)
    }
  }

  #wait(again: () => void): void {
    const timer = setTimeout(again, AGAIN_MS)
    addEventListener('online', again, { once: true })
    this.#unwait = () => {
      clearTimeout(timer)
      removeEventListener('online', again)
    }
  }

  async dismiss(): Promise<void> {
    await this.#note(undefined)
  }

  /** A reminder, no more: where nothing is kept, nothing else depends on it. */
  async #note(unfinished: Unfinished | undefined): Promise<void> {
    this.unfinished = unfinished
    await (unfinished ? table.put(UNFINISHED, unfinished) : table.remove(UNFINISHED)).catch(() => undefined)
  }
}

/** Nobody closes the tab by accident. */
function stay(event: BeforeUnloadEvent): void {
  event.preventDefault()
}

/** An owner whom nobody has admitted is told what to do here, and not at a command line. */
function explain(error: unknown, owner: ModelOwner): Trouble {
  const trouble = troubleOf(error)
  const found = error instanceof SottoError ? error.found : undefined
  const isStranger = found === 'REGISTRY_OWNER' || found === 'KMS_OWNER_UNKNOWN'
  return isStranger ? { ...trouble, hint: words.models.upload.admit(owner.key) } : trouble
}

export const upload = new Upload()
