import { openAsBlob } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { SottoError } from '@sotto/protocol/errors'
import type { Io } from '../framework/index.ts'
import { cliError } from '../errors.ts'
import { openSpecialFile } from './special-file.ts'

/** Bytes a command reads: from a file or from standard input. */
export interface Input {
  /** `-` or the path as given; for messages. */
  readonly label: string
  /** Base name of the file; `stdin` for standard input. */
  readonly filename: string
  /** Bytes, when known beforehand. */
  readonly size: number | undefined
  /** May be called once. */
  stream(): ReadableStream<Uint8Array>
}

/** Other names of standard input. What they lead to need not be a file that can be opened again. */
const STDIN_NAMES: ReadonlySet<string> = new Set(['-', '/dev/stdin', '/dev/fd/0', '/proc/self/fd/0'])

/**
 * Opens FILE arguments. `-` is standard input, which only one argument may take. Pipes, process
 * substitutions and devices are read as they come, like standard input.
 * @throws `CLI_STDIN` a second `-`, a terminal, or nothing on standard input; `CLI_FILE` not readable, or empty
 */
export async function openInput(io: Io, names: readonly string[], index = 0): Promise<Input> {
  const name = names[index]!
  requireOneStdin(names)
  return STDIN_NAMES.has(name) ? openStdin(io) : openFile(io, name)
}

/** Whether what is named together can be read: for commands that open their arguments and flags one by one. @throws `CLI_STDIN` */
export function requireOneStdin(names: readonly (string | undefined)[]): void {
  if (names.filter((name) => name !== undefined && STDIN_NAMES.has(name)).length > 1)
    throw cliError('CLI_STDIN', 'standard input (-) can be read by one argument only', {
      hint: 'name files instead',
    })
}

async function openFile(io: Io, name: string): Promise<Input> {
  const path = resolve(io.cwd, name)
  try {
    const found = await stat(path)
    if (found.isDirectory()) {
      throw cliError('CLI_FILE', `cannot read ${name}: it is a folder`, { hint: 'name one file' })
    }
    // The kernel's own files say that they hold nothing, and hold something.
    if (!found.isFile() || found.size === 0) {
      const chunks = await openSpecialFile(path, found, io.signal)
      const first = await nextChunk(chunks)
      if (first === undefined) throw cliError('CLI_FILE', `cannot read ${name}: it is empty`)
      const filename = found.isFile() ? basename(path) : 'pipe'
      return { label: name, filename, size: undefined, stream: () => streamOf(first, chunks) }
    }
    const blob = await openAsBlob(path)
    return { label: name, filename: basename(path), size: blob.size, stream: () => blob.stream() }
  } catch (cause) {
    io.signal.throwIfAborted()
    if (cause instanceof SottoError) throw cause
    throw cliError('CLI_FILE', `cannot read ${name}`, {
      cause,
      hint: 'check the path, or use - for standard input',
    })
  }
}

async function openStdin(io: Io): Promise<Input> {
  if (io.stdin.isTerminal) {
    throw cliError('CLI_STDIN', 'standard input is a terminal', {
      hint: 'pipe data into the command, or name a file',
    })
  }
  const chunks = io.stdin.stream[Symbol.asyncIterator]()
  const first = await nextChunk(chunks)
  if (first === undefined)
    throw cliError('CLI_STDIN', 'standard input is empty', { hint: 'pipe data into the command' })
  return { label: '-', filename: 'stdin', size: undefined, stream: () => streamOf(first, chunks) }
}

/** What came first and what follows, read no faster than it is asked for. */
function streamOf(first: Uint8Array, chunks: AsyncIterator<string | Buffer>): ReadableStream<Uint8Array> {
  let pending: Uint8Array | undefined = first
  return new ReadableStream({
    async pull(controller) {
      const chunk = pending ?? (await nextChunk(chunks))
      pending = undefined
      if (chunk === undefined) controller.close()
      else controller.enqueue(chunk)
    },
    async cancel() {
      await chunks.return?.()
    },
  })
}

/** Next chunk that is not empty; undefined at the end. */
async function nextChunk(chunks: AsyncIterator<string | Buffer>): Promise<Uint8Array | undefined> {
  for (;;) {
    const { done, value } = await chunks.next()
    if (done) return undefined
    const bytes: Uint8Array = typeof value === 'string' ? new TextEncoder().encode(value) : value
    if (bytes.length > 0) return bytes
  }
}
