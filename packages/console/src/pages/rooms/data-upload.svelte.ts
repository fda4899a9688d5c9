import type { DataStatement, InputKind, Name, NamedContract } from '@sotto/protocol/contract'
import { SottoError } from '@sotto/protocol/errors'
import { type Trouble, troubleOf } from '../../connection/index.ts'
import { words } from '../../words/index.ts'
import type { OpenRoom } from './open-room.svelte.ts'

/** Kinds that are one file. */
const ONE_FILE: ReadonlySet<InputKind> = new Set(['table', 'code'])
const [LEAST_PART, MOST_PART] = [256 * 1024, 8 * 1024 * 1024]

/** Files of one input, on their way into a room: sealed in this page, then uploaded, then stated. */
export class DataUpload {
  phase = $state<'idle' | 'sealing' | 'uploading' | 'stating' | 'done' | 'cancelled'>('idle')
  files = $state.raw<readonly File[]>([])
  /** Bytes that were read to learn the digests. */
  prepared = $state(0)
  uploaded = $state(0)
  trouble = $state.raw<Trouble>()
  stated = $state.raw<DataStatement>()

  readonly #room: OpenRoom
  readonly #named: NamedContract
  readonly #input: Name
  #cancel: AbortController | undefined

  constructor(room: OpenRoom, named: NamedContract, input: Name) {
    this.#room = room
    this.#named = named
    this.#input = input
  }

  get isWorking(): boolean {
    return ['sealing', 'uploading', 'stating'].includes(this.phase)
  }

  get bytes(): number {
    return this.files.reduce((sum, { size }) => sum + size, 0)
  }

  /** Whether one file is all that the input takes. */
  get isOneFile(): boolean {
    return ONE_FILE.has(this.#named.contract.inputs.find(({ name }) => name === this.#input)!.kind)
  }

  choose(files: readonly File[]): void {
    if (this.isWorking || files.length === 0) return
    this.files = files
    this.phase = 'idle'
    this.trouble = undefined
  }

  cancel(): void {
    this.#cancel?.abort()
  }

  /** The same again goes on where it stopped. */
  async add(): Promise<void> {
    if (this.isWorking || this.files.length === 0) return
    const { bytes } = this
    const cancel = new AbortController()
    this.#cancel = cancel
    const signal = AbortSignal.any([cancel.signal, this.#room.over.signal])
    this.phase = 'sealing'
    this.prepared = 0
    this.uploaded = 0
    this.trouble = undefined
    addEventListener('beforeunload', stay)
    try {
      const room = await this.#room.open()
      this.stated = await room.add(this.#named, {
        input: this.#input,
        files: Object.fromEntries(this.files.map((file) => [file.name, file])),
        signal,
        onPrepared: (count) => (this.prepared += count),
        transfer: {
          partBytes: Math.min(MOST_PART, Math.max(LEAST_PART, Math.ceil(bytes / 16))),
          onBytes: (count) => {
            this.uploaded += count
            // Sealed it is a little longer.
            this.phase = this.uploaded < bytes ? 'uploading' : 'stating'
          },
        },
      })
      this.phase = 'done'
      this.files = []
      await this.#room.lookAnew()
    } catch (error) {
      this.phase = signal.aborted ? 'cancelled' : 'idle'
      if (!signal.aborted) this.trouble = this.#explain(error)
    } finally {
      removeEventListener('beforeunload', stay)
    }
  }

  /** An owner whom nobody has admitted is told what to do here, and not at a command line. */
  #explain(error: unknown): Trouble {
    const trouble = troubleOf(error)
    const isStranger = error instanceof SottoError && error.found === 'KMS_OWNER_UNKNOWN'
    return isStranger ? { ...trouble, hint: words.rooms.data.admit(this.#room.key) } : trouble
  }
}

/** Nobody closes the tab by accident. */
function stay(event: BeforeUnloadEvent): void {
  event.preventDefault()
}
