import { toBase64, toHex, utf8 } from '../bytes/index.ts'
import { publicCrypto } from '../crypto-backend/index.ts'
import { noteError } from './errors.ts'
import { decodeBase64, parseVerifierKey, type VerifierKey } from './keys.ts'
import { cosignatureTime, isSignedBy, parseNote, type Note } from './note.ts'

/** C2SP tlog-checkpoint: a log's claim about its tree. */
export interface Checkpoint {
  readonly origin: string
  readonly size: number
  /** 32 bytes. */
  readonly root: Uint8Array
}

/** What a relying party demands of a checkpoint. Verifier keys as text, from its own policy. */
export interface CheckpointRequirements {
  origin: string
  logKey: string
  witnessKeys: readonly string[]
  quorum: number
}

/** A checkpoint proven to be signed by the log and by a quorum of distinct witnesses. */
export interface VerifiedCheckpoint extends Checkpoint {
  /** {@link checkpointDigest} of the note: what evidence binds (T6). */
  readonly digest: string
  /** When each accepted witness cosigned, Unix seconds, by verifier key text. */
  readonly witnessTimes: ReadonlyMap<string, number>
  /**
   * Unix seconds by which a whole quorum had cosigned: the tree provably existed then. The
   * quorum-th newest time, so that fewer than a quorum of lying witnesses cannot make it younger.
   */
  readonly time: number
}

/** Text of a checkpoint, without signatures. */
export function checkpointText({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${toBase64(root)}\n`
}

/** Checkpoint of a note's text; extension lines are refused. @throws `NOTE_MALFORMED` */
export function parseCheckpoint(text: string): Checkpoint {
  const lines = text.split('\n')
  const [origin = '', size = '', root = ''] = lines
  if (lines.length !== 4 || lines[3] !== '' || origin === '')
    throw noteError('NOTE_MALFORMED', 'checkpoint does not have three lines')
  if (!/^(0|[1-9]\d{0,15})$/.test(size) || !Number.isSafeInteger(Number(size)))
    throw noteError('NOTE_MALFORMED', 'tree size is malformed')
  const hash = decodeBase64(root)
  if (hash.length !== 32) throw noteError('NOTE_MALFORMED', 'root hash is not 32 bytes')
  return { origin, size: Number(size), root: hash }
}

/**
 * SHA-256 of a whole note, cosignatures included, hexadecimal. The text alone would not do for
 * freshness: while a log does not grow its text stays the same, and evidence of last week would
 * look as young as the newest cosignature under it.
 */
export function checkpointDigest(note: string): string {
  return toHex(publicCrypto.sha256(utf8(note)))
}

/**
 * Verifies a checkpoint note. Distinct witness keys are counted; a witness that signed twice counts
 * once, with its newest time.
 *
 * @throws `NOTE_MALFORMED`, `NOTE_SIGNATURE`, `NOTE_QUORUM`
 */
export function verifyCheckpoint(noteText: string, requirements: CheckpointRequirements): VerifiedCheckpoint {
  const note = parseNote(noteText)
  const checkpoint = parseCheckpoint(note.text)
  if (checkpoint.origin !== requirements.origin)
    throw noteError('NOTE_SIGNATURE', 'checkpoint is of another log', requirements.origin, checkpoint.origin)
  const logKey = parseVerifierKey(requirements.logKey)
  if (!isSignedBy(note, logKey)) throw noteError('NOTE_SIGNATURE', 'checkpoint is not signed by the log key')
  const witnessTimes = countWitnesses(note, logKey, requirements.witnessKeys)
  const { quorum } = requirements
  if (!Number.isSafeInteger(quorum) || quorum < 1 || witnessTimes.size < quorum) {
    throw noteError(
      'NOTE_QUORUM',
      'too few witnesses cosigned the checkpoint',
      `${quorum}`,
      `${witnessTimes.size}`,
    )
  }
  const newestFirst = [...witnessTimes.values()].sort((a, b) => b - a)
  return {
    ...checkpoint,
    digest: checkpointDigest(noteText),
    witnessTimes,
    time: newestFirst[quorum - 1]!,
  }
}

/** When each distinct witness cosigned. Two names for one key are one witness; the log is none of its own. */
function countWitnesses(note: Note, logKey: VerifierKey, keys: readonly string[]): Map<string, number> {
  const times = new Map<string, number>()
  const counted = new Set([toHex(logKey.publicKey)])
  for (const text of keys) {
    const key = parseVerifierKey(text)
    const time = counted.has(toHex(key.publicKey)) ? undefined : cosignatureTime(note, key)
    if (time === undefined) continue
    counted.add(toHex(key.publicKey))
    times.set(text, time)
  }
  return times
}
