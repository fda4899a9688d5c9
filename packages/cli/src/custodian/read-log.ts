import { createLogReader, type LogReader } from '@sotto/client/monitor'
import { proveConsistency, verifyConsistency } from '@sotto/protocol/merkle'
import type { Checkpoint, VerifiedCheckpoint } from '@sotto/protocol/note'
import { TILE_WIDTH } from '@sotto/protocol/tile-path'
import type { TrustPolicy } from '@sotto/verifier'
import { verifyUnder } from '@sotto/verifier/bundle'
import { RootHistory } from '@sotto/verifier/custody'
import { cliError } from '../errors.ts'
import type { CommandContext } from '../framework/index.ts'

/** A log as a custodian has read it: every entry proven to be in it. */
export interface ReadLog {
  checkpoint: VerifiedCheckpoint
  history: RootHistory
  /** Proves that an older tree is the beginning of this one. */
  prove: (older: Checkpoint) => Promise<boolean>
}

/**
 * Reads the whole log for what it says about the KMS of the pinned genesis: the custodian's own look, which
 * neither the KMS nor its operator can choose.
 * @throws `CLI_NOT_AUTHENTIC`, `LOG_UNREADABLE`
 */
export async function readCustodyLog(
  context: CommandContext,
  url: URL,
  policy: TrustPolicy,
): Promise<ReadLog> {
  const reader = createLogReader(url, context.io.fetch, context.signal)
  const checkpoint = judge(await reader.checkpoint(), policy)
  const history = new RootHistory(policy.genesis, policy.releaseKeys)
  try {
    for (let bundle = 0; bundle * TILE_WIDTH < checkpoint.size; bundle++) {
      const entries = await reader.bundle(bundle, checkpoint)
      entries.forEach((entry, n) => history.read(bundle * TILE_WIDTH + n, entry))
    }
  } catch (cause) {
    if ((cause as { code?: unknown }).code === 'LOG_UNREADABLE') throw cause
    context.signal.throwIfAborted()
    throw notAuthentic('the log serves entries that its checkpoint does not commit to', cause)
  }
  return { checkpoint, history, prove: (older) => isBeginning(older, checkpoint, reader) }
}

function judge(note: string, policy: TrustPolicy): VerifiedCheckpoint {
  try {
    return verifyUnder(policy, note)
  } catch (cause) {
    throw notAuthentic('the newest checkpoint lacks the log’s signature or the quorum of witnesses', cause)
  }
}

async function isBeginning(older: Checkpoint, newer: Checkpoint, reader: LogReader): Promise<boolean> {
  if (older.size > newer.size || older.size === 0) return false
  try {
    const proof = await proveConsistency(older.size, newer.size, reader.readTile)
    verifyConsistency(older.size, older.root, newer.size, newer.root, proof)
    return true
  } catch (cause) {
    if ((cause as { code?: unknown }).code === 'LOG_UNREADABLE') throw cause
    return false
  }
}

function notAuthentic(message: string, cause: unknown): Error {
  const { message: found } = cause as Error
  return cliError('CLI_NOT_AUTHENTIC', message, { found, cause })
}
