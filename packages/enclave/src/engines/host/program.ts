import { createHash, hash as hashOnce } from 'node:crypto'
import { createReadStream, type BigIntStats, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createDigestCache, type ManifestEntry } from '@sotto/protocol/measurement'
import { engineError } from '../errors.ts'

/** The files engines are made of, as this enclave was measured with them. */
export interface EngineProgram {
  /** The image: everything an engine may execute lies in it. */
  readonly folder: string
  /** Run before anything else of an engine; see `worker/confine.ts`. */
  readonly preload: string
  /** Whether a file is one of those that `verify` looks at. */
  covers(path: string): boolean
  /** @throws `ENGINE_PROGRAM_CHANGED` (stop) naming the first file that is not what was measured */
  verify(): Promise<void>
}

/** What {@link openEngineProgram} needs. */
export interface EngineProgramOptions {
  folder: string
  /** Path of the file to preload, in the folder. */
  preload: string
  /** Every file of the folder but those in `except`. From a measured place: see `roles/measured-program.ts`. */
  files: readonly ManifestEntry[]
  /** Files that no engine executes. */
  except: readonly string[]
}

/** Hundreds of small files are read at once: a stream, or a turn of the thread pool, costs more than their content. */
const SMALL_BYTES = 64 * 1024
const PIECE_BYTES = 1024 * 1024

/**
 * Tells whether the disk still holds the engine program that was measured (T7). Engines are started
 * again for as long as the enclave runs, and whoever can write to the disk by then (a rebuild, an
 * operator, a hole elsewhere) would otherwise choose what gets the weights and everybody's requests.
 * Files beside the listed ones count as a change: native libraries load what they find.
 *
 * The whole is hashed once; later looks read only what the file system says has changed, which
 * proves what {@link createDigestCache} says it proves. Between a look and the moment the engine
 * reads a file there is time to change it: so engines are looked at again once they are ready,
 * before they get a request. Whoever owns the machine of a software TEE can still win that race.
 */
export function openEngineProgram(options: EngineProgramOptions): EngineProgram {
  const { folder, preload } = options
  const expected = new Map(options.files.map((entry) => [entry.path, entry]))
  const except = new Set(options.except)
  const digests = createDigestCache(Date.now)

  async function verifyFile({ path, mode, sha256 }: ManifestEntry, found: BigIntStats): Promise<void> {
    if (!found.isFile()) throw changed(`${path} is no plain file any more`, sha256, 'something else')
    const foundMode = Number(found.mode & 0o777n)
    if (foundMode !== mode)
      throw changed(`the mode of ${path} is not the one that was measured`, octal(mode), octal(foundMode))
    const file = join(folder, path)
    let seen: BigIntStats | undefined = found
    const digest = await digests
      .digestOf({
        // What the listing has just seen, then what it is by now.
        identify() {
          const identity = seen ?? lstatSync(file, { bigint: true })
          seen = undefined
          return identity
        },
        hash: () => sha256File(file, found.size),
      })
      .catch((cause: unknown) => {
        throw changed(`${path} cannot be read any more`, sha256, 'nothing', cause)
      })
    if (digest !== sha256)
      throw changed(
        `${path} is not the file that was measured`,
        sha256,
        digest ?? 'a file that keeps changing',
      )
  }

  return {
    folder,
    preload: join(folder, preload),
    covers: (path) => [...expected.keys()].some((name) => join(folder, name) === path),
    async verify() {
      const present = listFiles(folder)
      for (const path of present.keys()) {
        if (!expected.has(path) && !except.has(path))
          throw changed('a file lies in the image that was not measured', 'no such file', printable(path))
      }
      for (const entry of expected.values()) {
        const found = present.get(entry.path)
        if (found === undefined)
          throw changed(`${entry.path} is not in the image any more`, entry.sha256, 'nothing')
        await verifyFile(entry, found)
      }
    },
  }
}

/** Everything below a folder that is no folder itself. A link counts as a file: it is in no manifest. */
function listFiles(folder: string): Map<string, BigIntStats> {
  const found = new Map<string, BigIntStats>()
  const visit = (prefix: string): void => {
    for (const entry of readdirSync(join(folder, prefix), { withFileTypes: true })) {
      const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`
      if (entry.isDirectory()) visit(path)
      else found.set(path, lstatSync(join(folder, path), { bigint: true }))
    }
  }
  try {
    visit('')
  } catch (cause) {
    throw changed('the image cannot be read any more', 'the files that were measured', 'nothing', cause)
  }
  return found
}

/** SHA-256 of a file, lower-case hexadecimal. */
export async function sha256File(file: string, size: bigint): Promise<string> {
  if (size <= SMALL_BYTES) return hashOnce('sha256', readFileSync(file), 'hex')
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file, { highWaterMark: PIECE_BYTES }))
    hash.update(chunk as Buffer)
  return hash.digest('hex')
}

function changed(message: string, expected: string, found: string, cause?: unknown): Error {
  return engineError('ENGINE_PROGRAM_CHANGED', message, {
    expected,
    found,
    cause,
    hint: 'start the enclave again: what lies on the disk is measured then',
  })
}

function octal(mode: number): string {
  return mode.toString(8)
}

/** Whoever put the file there chose its name. */
function printable(path: string): string {
  return path.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 200)
}
