import { closeSync, fstatSync, lstatSync, openSync, readdirSync, readSync, realpathSync } from 'node:fs'
import { dirname } from 'node:path'
import { SottoError } from '@sotto/protocol/errors'
import { createDigestCache } from '@sotto/protocol/measurement'
import { engineError } from '../errors.ts'
import { readElfLoads } from './elf.ts'
import { sha256File } from './program.ts'

/** A llama-server that engines may start, as the measured configuration names it. */
export interface ServerProgramOptions {
  /** Absolute path. */
  readonly path: string
  /** SHA-256 of the file, lower-case hexadecimal. */
  readonly sha256: string
}

/** The same, found on the disk. */
export interface ServerProgram {
  /** Without links. */
  readonly path: string
  /**
   * @throws `ENGINE_PROGRAM_CHANGED` (stop) when the file is another than the configuration names,
   * `ENGINE_PROGRAM_NOT_STATIC` (stop) when it would load code that the digest does not cover
   */
  verify(): Promise<void>
}

/** Names in a message at most. */
const MAX_TOLD = 8
const STATIC = 'one static program, alone in its folder'

/**
 * Tells whether a program beside the image is the one the configuration names, whose bytes are measured (T7), and whether
 * these bytes are all that runs. Looked at before every start and once it runs, like the image.
 * @throws `ENGINE_PROGRAM_CHANGED` for no file
 */
export function openServerProgram({ path, sha256 }: ServerProgramOptions): ServerProgram {
  const digests = createDigestCache(Date.now)
  const changed = (found: string, cause?: unknown): Error =>
    engineError(
      'ENGINE_PROGRAM_CHANGED',
      'the llama-server is not the program that the configuration names',
      {
        expected: sha256,
        found,
        cause,
      },
    )
  let real: string
  try {
    real = realpathSync(path)
  } catch (cause) {
    throw changed('nothing', cause)
  }
  return {
    path: real,
    async verify() {
      const found = await digests
        .digestOf({
          identify: () => lstatSync(real, { bigint: true }),
          hash: () => sha256File(real, lstatSync(real, { bigint: true }).size),
        })
        .catch((cause: unknown) => {
          throw changed('nothing', cause)
        })
      if (found !== sha256) throw changed(found ?? 'a file that keeps changing')
      try {
        requireStatic(real)
        requireAlone(dirname(real))
      } catch (cause) {
        throw cause instanceof SottoError ? cause : changed('nothing', cause)
      }
    },
  }
}

/** What a dynamic linker would bring has no digest in the configuration. @throws `ENGINE_PROGRAM_NOT_STATIC` */
function requireStatic(path: string): void {
  const file = openSync(path, 'r')
  try {
    const { interpreter, libraries } = readElfLoads({
      size: fstatSync(file).size,
      read(offset, length) {
        const bytes = new Uint8Array(length)
        return bytes.subarray(0, readSync(file, bytes, 0, length, offset))
      },
    })
    const found = [...(interpreter === undefined ? [] : [interpreter]), ...libraries]
    if (found.length > 0)
      throw notStatic('the llama-server is linked with libraries that are not measured', found)
  } finally {
    closeSync(file)
  }
}

/**
 * However it is linked, llama.cpp may look through the folder of its program for backends (`libggml-cuda.so`), and executes
 * what has such a name. The folder it runs in is empty. @throws `ENGINE_PROGRAM_NOT_STATIC`
 */
function requireAlone(folder: string): void {
  const found = readdirSync(folder).filter((name) => /\.so(?:\.|$)/.test(name))
  if (found.length > 0) throw notStatic('libraries that are not measured lie beside the llama-server', found)
}

function notStatic(message: string, found: readonly string[]): Error {
  const told = found.slice(0, MAX_TOLD).map((name) => name.slice(0, 100).replaceAll(/[^\x20-\x7e]/g, '?'))
  return engineError('ENGINE_PROGRAM_NOT_STATIC', message, {
    expected: STATIC,
    found: `${told.join(', ')}${found.length > MAX_TOLD ? ` and ${found.length - MAX_TOLD} more` : ''}`,
    hint: 'build it with node scripts/llama-cpp.ts, and put it into a folder of its own',
  })
}
