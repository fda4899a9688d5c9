import { equalBytes, fromHex, fromUtf8, toHex } from '@sotto/protocol/bytes'
import {
  canonicalJson,
  hex,
  list,
  literal,
  members,
  parseStrictJson,
  text,
  type Decoder,
} from '@sotto/protocol/jcs'
import {
  consistencyRoots,
  isPowerOfTwo,
  proveConsistency,
  rootFromTiles,
  type TileReader,
} from '@sotto/protocol/merkle'
import {
  isSignedBy,
  parseCheckpoint,
  parseNote,
  parseVerifierKey,
  type Checkpoint,
} from '@sotto/protocol/note'
import { clientError } from '../errors.ts'

/**
 * Two checkpoints that one log signed and that cannot both be true. Whoever holds the log's verifier key can check
 * it, offline and years later: nobody has to believe who found it.
 */
export interface SplitView {
  version: 1
  type: 'sotto-split-view'
  /** C2SP verifier key of the log. */
  logKey: string
  /** The two notes; the smaller tree first. */
  notes: [string, string]
  /**
   * Where the trees differ in size: hashes that lead to the root of the larger one, and to another root of its
   * beginning than the smaller note has (see `consistencyRoots`). Absent where the log did not serve them: then both
   * notes are signed, and only the log could say how one grew out of the other.
   */
  path?: string[]
}

const MAX_EVIDENCE_BYTES = 262_144
const note = text(65_536)
const notes: Decoder<[string, string]> = (value, path) => list(note, 2, 2)(value, path) as [string, string]

const decoder: Decoder<SplitView> = members<SplitView>(
  { version: literal(1), type: literal('sotto-split-view'), logKey: text(512), notes },
  { path: list(hex(32), 1, 54) },
)

/** Canonical JSON of a split view, for its file. */
export function encodeSplitView(view: SplitView): string {
  return `${fromUtf8(canonicalJson(view))}\n`
}

/** Structure of such a file. @throws `PROOF_MALFORMED` */
export function parseSplitView(bytes: string): SplitView {
  try {
    return decoder(parseStrictJson(bytes, { maxBytes: MAX_EVIDENCE_BYTES }), 'split view')
  } catch (cause) {
    throw clientError('PROOF_MALFORMED', 'this is no evidence of a split view', {
      found: (cause as Error).message,
      cause,
    })
  }
}

/** What a split view shows. */
export interface SplitViewVerdict {
  /** `proven`: the log signed two histories. `undecided`: it signed both, and did not show how they fit. */
  status: 'proven' | 'undecided'
  trees: [Checkpoint, Checkpoint]
}

/**
 * Judges a split view by itself.
 * @throws `PROOF_INVALID` (stop) when the notes are not both signed by the key, or do not contradict each other
 */
export function verifySplitView({ logKey, notes: both, path }: SplitView): SplitViewVerdict {
  const key = parseVerifierKey(logKey)
  const trees = both.map((one) => {
    const parsed = parseNote(one)
    if (!isSignedBy(parsed, key)) throw invalid('a note is not signed by this log')
    return parseCheckpoint(parsed.text)
  }) as [Checkpoint, Checkpoint]
  const [older, newer] = trees
  if (older.origin !== newer.origin) throw invalid('the notes are of two logs')
  if (older.size > newer.size) throw invalid('the notes are in the wrong order')
  if (older.size === newer.size) {
    if (equalBytes(older.root, newer.root)) throw invalid('the notes are about the same tree')
    return { status: 'proven', trees }
  }
  if (path === undefined) return { status: 'undecided', trees }
  const roots = consistencyRoots(older.size, newer.size, path.map(fromHex))
  if (!equalBytes(roots.newer, newer.root)) throw invalid('the path does not lead to the larger tree')
  if (equalBytes(roots.older, older.root)) throw invalid('the larger tree extends the smaller one')
  return { status: 'proven', trees }
}

/** How the trees of two notes of one log relate. */
export type Relation =
  | { is: 'consistent' }
  /** Proven, or at least signed and not explained by what the log serves. */
  | { is: 'contradiction'; path?: string[] }

/**
 * Compares two trees of one log, the smaller first.
 * @throws what the tile reader throws: nothing is known then
 */
export async function relate(older: Checkpoint, newer: Checkpoint, read: TileReader): Promise<Relation> {
  if (older.size === newer.size)
    return equalBytes(older.root, newer.root) ? { is: 'consistent' } : { is: 'contradiction' }
  // Every tree extends the empty one.
  if (older.size === 0) return { is: 'consistent' }
  try {
    const proof = await proveConsistency(older.size, newer.size, read)
    const path = isPowerOfTwo(older.size)
      ? [await rootFromTiles(older.size, prefixOf(newer.size, read)), ...proof]
      : proof
    const roots = consistencyRoots(older.size, newer.size, path)
    if (!equalBytes(roots.newer, newer.root)) return { is: 'contradiction' }
    if (equalBytes(roots.older, older.root)) return { is: 'consistent' }
    return { is: 'contradiction', path: path.map(toHex) }
  } catch (error) {
    if ((error as { code?: string }).code === 'MERKLE_TILE') return { is: 'contradiction' }
    throw error
  }
}

/** Tiles of a smaller tree, cut from those of the larger one that is served. */
function prefixOf(size: number, read: TileReader): TileReader {
  return async (tile) => {
    const available = Math.floor(size / 256 ** tile.level) - tile.index * 256
    const bytes = await read({ ...tile, width: Math.min(256, available) })
    return bytes.subarray(0, tile.width * 32)
  }
}

function invalid(message: string): Error {
  return clientError('PROOF_INVALID', message)
}
