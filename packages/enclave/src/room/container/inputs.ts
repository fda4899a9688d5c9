import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  mkdirSync,
  openSync,
  writeSync,
} from 'node:fs'
import { CONTRACT_NAME, type Name } from '@sotto/protocol/contract'
import { createGiveWay, type GiveWay } from '../../pause/index.ts'
import { readRange } from '../inputs/read-range.ts'
import { MAX_INPUT_FILES } from './limits.ts'

/**
 * Content of one file: the descriptor of a file that nobody changes, bytes, or pieces as they come, each of which is
 * overwritten once it is there.
 */
export type InputContent = number | Uint8Array | AsyncIterable<Uint8Array>

/** Inputs of a job by name: one file at `/in/NAME`, or items at `/in/NAME/0` and so on. */
export type JobInputs = ReadonlyMap<Name, InputContent | readonly InputContent[]>

/** Names, folders and what the file system itself needs. */
const MORE_FILES = 16
const PAGE_BYTES = 4096
/** What is copied before others have their turn. */
const PIECE_BYTES = 1024 * 1024

/**
 * How much room inputs need at most.
 * @param maxBytes of those whose length nobody knows before
 * @throws TypeError for a name that no input has, or too many items
 */
export function roomOf(inputs: JobInputs, maxBytes: number): { bytes: number; files: number } {
  const contents = [...inputs.values()].flatMap((input) => (isList(input) ? input : [input]))
  if (contents.length > MAX_INPUT_FILES || [...inputs.keys()].some((name) => !CONTRACT_NAME.test(name)))
    throw new TypeError('inputs with a name that none has, or too many')
  const known = contents.map(sizeOf)
  const needed = known.reduce<number>((sum, size) => sum + (size ?? maxBytes), 0)
  const files = contents.length + inputs.size + MORE_FILES
  return { bytes: Math.min(needed, maxBytes) + PAGE_BYTES * files, files }
}

/**
 * Writes inputs into a folder, for everybody to read. A million of them take their time, in which others have their turns.
 * @param folder where memory of this size is mounted, and nobody else writes
 * @throws the system's error, what a content throws, the reason of `signal`
 */
export async function writeInputs(folder: string, inputs: JobInputs, signal: AbortSignal): Promise<void> {
  const giveWay = createGiveWay()
  for (const [name, input] of inputs) {
    if (!isList(input)) {
      await writeInput(`${folder}/${name}`, input, signal, giveWay)
      continue
    }
    signal.throwIfAborted()
    mkdirSync(`${folder}/${name}`)
    for (const [index, item] of input.entries())
      await writeInput(`${folder}/${name}/${index}`, item, signal, giveWay)
    signal.throwIfAborted()
    chmodSync(`${folder}/${name}`, 0o755)
  }
}

async function writeInput(
  path: string,
  content: InputContent,
  signal: AbortSignal,
  giveWay: GiveWay,
): Promise<void> {
  // The path is one of a descriptor, which may be another's once this was cancelled.
  await giveWay(signal)
  const file = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
  try {
    for await (const piece of piecesOf(content)) {
      for (let at = 0; at < piece.length;) {
        await giveWay(signal)
        at += writeSync(file, piece, at, Math.min(piece.length - at, PIECE_BYTES))
      }
      if (!(content instanceof Uint8Array)) piece.fill(0)
    }
    fchmodSync(file, 0o444)
  } finally {
    closeSync(file)
  }
}

function piecesOf(content: InputContent): AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
  if (content instanceof Uint8Array) return [content]
  return typeof content === 'number' ? readRange(content, 0, fstatSync(content).size) : content
}

function sizeOf(content: InputContent): number | undefined {
  if (content instanceof Uint8Array) return content.length
  return typeof content === 'number' ? fstatSync(content).size : undefined
}

function isList(input: InputContent | readonly InputContent[]): input is readonly InputContent[] {
  return Array.isArray(input)
}
