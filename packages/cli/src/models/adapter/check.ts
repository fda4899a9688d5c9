import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { type GgufHeader, type GgufValue, readGgufHeader, requireLora, textOf } from '@sotto/protocol/gguf'
import { cliError } from '../../errors.ts'

/** Entries that say what a file is, and for which models. */
const ABOUT = ['general.type', 'general.architecture', 'adapter.type']

/**
 * Checks that a GGUF file is a LoRA adapter for the architecture of another: no engine loads it otherwise. Whoever made the files
 * controls every byte. Whether its matrices fit the weights, the engine says.
 * @throws `CLI_FILE`, `MODEL_INVALID`
 */
export function requireGgufAdapter(adapter: string, base: string): void {
  const about = aboutOf(adapter)
  try {
    requireLora(about)
  } catch (cause) {
    throw invalid(`${adapter} is no LoRA adapter`, { cause })
  }
  const [own, wanted] = [about, aboutOf(base)].map((one) => architectureOf(one))
  if (own === wanted) return
  throw invalid(`${adapter} is for another architecture than ${base}`, {
    expected: wanted ?? 'none',
    found: own ?? 'none',
  })
}

function architectureOf(about: ReadonlyMap<string, GgufValue>): string | undefined {
  return textOf(about, 'general.architecture')?.slice(0, 64)
}

function aboutOf(path: string): ReadonlyMap<string, GgufValue> {
  try {
    return new Map(readHead(path).entries)
  } catch (cause) {
    const { code } = cause as { code?: string }
    if (code?.startsWith('GGUF_') === true) throw invalid(`${path} is no GGUF file`, { cause })
    throw cliError('CLI_FILE', `cannot read ${path}`, { cause })
  }
}

/** Reads no more of a file than its header. */
function readHead(path: string): GgufHeader {
  const file = openSync(path, 'r')
  try {
    const read = (position: number, length: number): Uint8Array => {
      const bytes = new Uint8Array(length)
      for (let at = 0; at < length;) {
        const count = readSync(file, bytes, at, length - at, position + at)
        if (count === 0) throw new Error('the file is shorter than it was')
        at += count
      }
      return bytes
    }
    return readGgufHeader(read, fstatSync(file).size, (key) => ABOUT.includes(key))
  } finally {
    closeSync(file)
  }
}

function invalid(message: string, options: { cause?: unknown; expected?: string; found?: string }): Error {
  return cliError('MODEL_INVALID', message, options)
}
