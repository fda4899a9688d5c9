import type { DataStatement, Input, Name } from '@sotto/protocol/contract'
import { type BoardAccess, type DataManifest, splitItems } from '@sotto/protocol/room'
import type { BoardFiles } from '../board/board-files.ts'
import { roomRoleError } from '../errors.ts'
import { fillMemoryFile, type MemoryFile } from './memory-file.ts'
import { readRange } from './read-range.ts'
import { type OpenedInput, openInput } from './open-input.ts'

/** One input of a run, before it is read. */
export interface RunInputSource {
  input: Input
  statement: DataStatement
  /** 32 bytes. */
  contentKey: Uint8Array
}

/** What {@link RunInputs} reads from. */
export interface RunInputsOptions {
  sources: readonly RunInputSource[]
  board: BoardFiles
  access: BoardAccess
  signal: AbortSignal
}

/** Content of an input in memory, as it was sealed: of texts, recordings and images, each item behind its length. */
export interface InputFile {
  manifest: Pick<DataManifest, 'media' | 'items' | 'kind'>
  file: MemoryFile
}

/** An input that is being opened: its descriptor may be given to others, who read nothing before all is there. */
export interface ComingInput {
  readonly fd: number
  /** When all of it is there, and was compared with what its owner signed. @throws `ROOM_INPUT`, `ROOM_FILES` */
  readonly whole: Promise<InputFile>
}

/** Inputs that are fetched and decrypted beside each other: each holds some 20 MiB meanwhile. */
const OPENED_AT_ONCE = 2

/** Bytes of one text. */
const MAX_TEXT_BYTES = 16 * 1024 * 1024

/**
 * The inputs of one run in clear, in memory: each is fetched and opened when a step first reads it, and kept until the
 * run ends. What comes here was decrypted with the owner's key and compared with what the owner signed.
 */
export class RunInputs {
  readonly #sources: ReadonlyMap<Name, RunInputSource>
  readonly #options: RunInputsOptions
  readonly #files = new Map<Name, ComingInput & { close(): void }>()
  readonly #items = new Map<Name, Uint8Array[]>()
  readonly #texts = new Map<Name, string[]>()
  readonly #stop = new AbortController()

  constructor(options: RunInputsOptions) {
    this.#options = options
    this.#sources = new Map(options.sources.map((source) => [source.input.name, source]))
  }

  /** Inputs of a kind that the run has, by name. */
  namesOf(kind: Input['kind']): Name[] {
    return [...this.#sources.values()]
      .filter(({ input }) => input.kind === kind)
      .map(({ input }) => input.name)
  }

  /** What the contract says of an input; undefined for the result of a step. */
  find(name: Name): Input | undefined {
    return this.#sources.get(name)?.input
  }

  /** Begins to bring the whole content into a file: a table, code, or items. */
  begin(name: Name): ComingInput {
    const known = this.#files.get(name)
    if (known !== undefined) return known
    // After the end nobody would close what begins.
    this.#stop.signal.throwIfAborted()
    const before = [...this.#files.values()].at(-OPENED_AT_ONCE)?.whole
    let manifest: DataManifest | undefined
    const open = (): Promise<OpenedInput> => this.#open(name)
    async function* content(): AsyncGenerator<Uint8Array> {
      await before?.catch(() => undefined)
      const opened = await open()
      try {
        manifest = opened.manifest
        yield* opened.content
      } finally {
        opened.close()
      }
    }
    const filling = fillMemoryFile(content())
    const whole = filling.whole.then((file) => ({ manifest: manifest!, file }))
    whole.catch(() => undefined)
    const coming = { fd: filling.fd, whole, close: filling.close }
    this.#files.set(name, coming)
    return coming
  }

  /** The same, once all of it is there. @throws `ROOM_INPUT`, `ROOM_FILES` */
  file(name: Name): Promise<InputFile> {
    return this.begin(name).whole
  }

  /** Texts, recordings or images, each as bytes. @throws `ROOM_INPUT`, `ROOM_FILES` */
  async items(name: Name): Promise<readonly Uint8Array[]> {
    const known = this.#items.get(name)
    if (known !== undefined) return known
    // What is here already is not fetched again: after a run was charged that could fail.
    const file = await this.#files.get(name)?.whole
    const opened = file === undefined ? await this.#open(name) : undefined
    try {
      const { content, manifest } = opened ?? {
        ...file!,
        content: readRange(file!.file.fd, 0, file!.file.bytes),
      }
      const items: Uint8Array[] = []
      for await (const item of splitItems(content, manifest.items)) items.push(item)
      this.#items.set(name, items)
      return items
    } finally {
      opened?.close()
    }
  }

  /** Texts. @throws `ROOM_INPUT`, `ROOM_FILES` */
  async texts(name: Name): Promise<readonly string[]> {
    const known = this.#texts.get(name)
    if (known !== undefined) return known
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    const texts = (await this.items(name)).map((item) => {
      if (item.length > MAX_TEXT_BYTES) throw notText(name)
      try {
        return decoder.decode(item)
      } catch {
        throw notText(name)
      }
    })
    this.#texts.set(name, texts)
    return texts
  }

  /**
   * A model, while it is opened: its files come once, in the order of its manifest.
   * @param use is done with the content when it resolves
   * @throws `ROOM_INPUT`, `ROOM_FILES`; what `use` throws
   */
  async model<T>(
    name: Name,
    use: (manifest: DataManifest, content: AsyncIterable<Uint8Array>) => Promise<T>,
  ): Promise<T> {
    const opened = await this.#open(name)
    try {
      return await use(opened.manifest, opened.content)
    } finally {
      opened.close()
    }
  }

  /** Forgets everything: files are gone, keys and items overwritten. */
  close(): void {
    this.#stop.abort()
    for (const file of this.#files.values()) file.close()
    for (const items of this.#items.values()) for (const item of items) item.fill(0)
    for (const { contentKey } of this.#sources.values()) contentKey.fill(0)
    this.#files.clear()
    this.#items.clear()
    this.#texts.clear()
  }

  async #open(name: Name): Promise<OpenedInput> {
    const { input, statement, contentKey } = this.#sources.get(name)!
    const { board, access } = this.#options
    const signal = AbortSignal.any([this.#options.signal, this.#stop.signal])
    signal.throwIfAborted()
    // A copy: each opening overwrites its own.
    return openInput({ input, statement, contentKey: contentKey.slice(), board, access, signal })
  }
}

function notText(name: Name): Error {
  return roomRoleError('ROOM_INPUT', `an item of ${name} is no text`, { expected: 'UTF-8 of at most 16 MiB' })
}
