import { fromBase64, toBase64 } from '@sotto/protocol/bytes'
import { leafHash, verifyInclusion } from '@sotto/protocol/merkle'
import { verifyCheckpoint, type CheckpointRequirements, type VerifiedCheckpoint } from '@sotto/protocol/note'
import { clientError } from '../errors.ts'

/** That one entry is in a log: C2SP tlog-proof, with the entry itself as extra data where it is known. */
export interface EntryProof {
  entry?: Uint8Array
  index: number
  path: Uint8Array[]
  /** The checkpoint, with its cosignatures. */
  note: string
}

const HEADER = 'c2sp.org/tlog-proof@v1'
/** An entry of at most 65535 bytes, a path and a note. */
const MAX_CHARACTERS = 262_144
const MAX_PATH = 64

/** Text of a proof file (C2SP tlog-proof); the extension is `.tlog-proof` by custom. */
export function encodeEntryProof({ entry, index, path, note }: EntryProof): string {
  const extra = entry === undefined ? '' : `extra ${toBase64(entry)}\n`
  return `${HEADER}\n${extra}index ${index}\n${path.map((hash) => `${toBase64(hash)}\n`).join('')}\n${note}`
}

/** Whether text says to be such a file. */
export function isEntryProof(text: string): boolean {
  return text.startsWith(`${HEADER}\n`)
}

/** Structure of a proof file from anywhere. @throws `PROOF_MALFORMED` */
export function parseEntryProof(text: string): EntryProof {
  const end = text.indexOf('\n\n')
  const [header, ...lines] = text.slice(0, Math.max(end, 0)).split('\n')
  if (text.length > MAX_CHARACTERS || header !== HEADER) throw malformed('no tlog-proof of version 1')
  const extra = lines[0]?.startsWith('extra ') === true ? lines.shift()!.slice('extra '.length) : undefined
  const index = Number(/^index (0|[1-9]\d{0,15})$/.exec(lines.shift() ?? '')?.[1])
  if (!Number.isSafeInteger(index)) throw malformed('no index')
  if (lines.length > MAX_PATH) throw malformed('too many hashes')
  const path = lines.map(decode)
  if (path.some((hash) => hash.length !== 32)) throw malformed('a line is no hash')
  return { ...(extra !== undefined && { entry: decode(extra) }), index, path, note: text.slice(end + 2) }
}

/**
 * The entry is in a tree that the log signed and its witnesses cosigned.
 * @throws `PROOF_INVALID`; `NOTE_MALFORMED`, `NOTE_SIGNATURE`, `NOTE_QUORUM`, `MERKLE_INCLUSION`
 */
export function verifyEntryProof(
  proof: EntryProof,
  requirements: CheckpointRequirements,
): VerifiedCheckpoint {
  if (proof.entry === undefined)
    throw clientError('PROOF_INVALID', 'the proof does not say of which entry it is')
  const checkpoint = verifyCheckpoint(proof.note, requirements)
  verifyInclusion(leafHash(proof.entry), proof.index, checkpoint.size, proof.path, checkpoint.root)
  return checkpoint
}

function decode(line: string): Uint8Array {
  try {
    return fromBase64(line)
  } catch (cause) {
    throw malformed('base64', cause)
  }
}

function malformed(found: string, cause?: unknown): Error {
  return clientError('PROOF_MALFORMED', 'this is no proof of an entry', { found, cause })
}
