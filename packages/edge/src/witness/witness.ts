import { equalBytes } from '@sotto/protocol/bytes'
import { emptyRoot, verifyConsistency } from '@sotto/protocol/merkle'
import {
  type Checkpoint,
  cosign,
  isSignedBy,
  type Note,
  type NoteSigner,
  parseVerifierKey,
  type VerifierKey,
} from '@sotto/protocol/note'
import { edgeError } from '../errors.ts'
import { parseAddCheckpoint } from './add-checkpoint.ts'
import type { WitnessRecord, WitnessStore } from './store.ts'

/** A log this witness watches. */
export interface WatchedLog {
  origin: string
  /** C2SP verifier key of the log. A log that changes its key has one entry for each. */
  key: string
}

/** What a witness is made of. */
export interface WitnessOptions {
  logs: readonly WatchedLog[]
  signer: NoteSigner
  store: WitnessStore
  /** Unix seconds. */
  now: () => number
}

/** Cosigned, or the size the client must prove consistency from: its own again where its root is another one. */
export type WitnessAnswer = { type: 'cosigned'; lines: string } | { type: 'conflict'; size: number }

/**
 * Makes the witness: it cosigns a checkpoint only when the tree extends the one it cosigned last,
 * and remembers the new one durably *before* the cosignature exists. One call does all of it
 * without yielding, so two requests cannot interleave (C2SP tlog-witness, last section).
 *
 * The function throws `WITNESS_MALFORMED`, `WITNESS_UNKNOWN_LOG`, `WITNESS_BAD_SIGNATURE`,
 * `WITNESS_BAD_PROOF`, and what the store throws.
 */
export function createWitness(options: WitnessOptions): (body: string) => WitnessAnswer {
  const logs = Map.groupBy(options.logs, ({ origin }) => origin)
  const keys = new Map(
    [...logs].map(([origin, same]) => [origin, same.map(({ key }) => parseVerifierKey(key))]),
  )
  let latestTime = 0
  return function addCheckpoint(body) {
    const { oldSize, proof, note, checkpoint } = parseAddCheckpoint(body)
    const { origin, size, root } = checkpoint
    const trusted = keys.get(origin)
    if (trusted === undefined) throw edgeError('WITNESS_UNKNOWN_LOG', 'this witness does not watch this log')
    requireSignature(note, trusted)
    if (oldSize > size) throw edgeError('WITNESS_MALFORMED', 'the old size is larger than the checkpoint')

    const record = options.store.read(origin) ?? { size: 0, root: emptyRoot() }
    if (oldSize !== record.size) return { type: 'conflict', size: record.size }
    // Another tree of the size it cosigned: the size that was right is answered again.
    if (record.size > 0 && size === record.size && !equalBytes(root, record.root))
      return { type: 'conflict', size: record.size }
    requireExtension(record, checkpoint, proof)
    options.store.write(origin, { size, root })
    // A clock turned back must not make a later cosignature look older.
    latestTime = Math.max(latestTime, Math.floor(options.now()))
    return { type: 'cosigned', lines: cosign(note.text, options.signer, latestTime) }
  }
}

/**
 * One of the log's keys signed, and no line claims to be of one without being: such a note is malformed
 * (C2SP signed-note), and with two keys one good signature must not carry a bad one along.
 */
function requireSignature(note: Note, trusted: readonly VerifierKey[]): void {
  const claims = trusted.flatMap((key) => {
    const own = note.signatures.filter(({ name, keyId }) => name === key.name && equalBytes(keyId, key.keyId))
    return own.map((line) => isSignedBy({ ...note, signatures: [line] }, key))
  })
  if (claims.length > 0 && claims.every(Boolean)) return
  throw edgeError('WITNESS_BAD_SIGNATURE', 'the checkpoint is not signed by the log')
}

/** Every tree extends the empty one, which needs no proof and must not come with one. */
function requireExtension(
  record: WitnessRecord,
  { size, root }: Checkpoint,
  proof: readonly Uint8Array[],
): void {
  try {
    if (record.size > 0) verifyConsistency(record.size, record.root, size, root, proof)
    else if (size === 0 && !equalBytes(root, record.root))
      throw edgeError('WITNESS_BAD_PROOF', 'the tree without entries has another root')
    else if (proof.length > 0) throw edgeError('WITNESS_BAD_PROOF', 'the proof is not empty')
  } catch (cause) {
    throw edgeError('WITNESS_BAD_PROOF', 'the checkpoint is not proven to extend the one cosigned before', {
      cause,
    })
  }
}
