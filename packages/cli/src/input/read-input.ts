import { openAsBlob } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { SottoError } from '@sotto/protocol/errors'
import type { Io } from '../framework/index.ts'
import { cliError } from '../errors.ts'

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

/**
 * Opens FILE arguments. `-` is standard input, which only one argument may take.
 * @throws `CLI_STDIN` a second `-`, a terminal, or nothing on standard input; `CLI_FILE` not a readable file
 */
export async function openInput(io: Io, names: readonly string[], index = 0): Promise<Input> {
  const name = names[index]!
  if (names.filter((candidate) => candidate === '-').length > 1) {
    throw cliError('CLI_STDIN', 'standard input (-) can be read by one argument only', {
      hint: 'name files instead',
    })
  }
  return name === '-' ? openStdin(io) : openFile(io, name)
}

async function openFile(io: Io, name: string): Promise<Input> {
  const path = resolve(io.cwd, name)
  try {
    const found = await stat(path)
    if (found.isDirectory()) {
      throw cliError('CLI_FILE', `cannot read ${name}: it is a folder`, { hint: 'name one file' })
    }
    if (!found.isFile()) throw new Error('not a regular file')
    const blob = await openAsBlob(path)
    return { label: name, filename: basename(path), size: blob.size, stream: () => blob.stream() }
  } catch (cause) {
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
  let pending: Uint8Array | undefined = first
  const stream = (): ReadableStream<Uint8Array> =>
    new ReadableStream({
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
  return { label: '-', filename: 'stdin', size: undefined, stream }
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
