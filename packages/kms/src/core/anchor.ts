import { utf8 } from '@sotto/protocol/bytes'
import { STATE_ANCHOR_TYPE, type StateAnchor } from '@sotto/protocol/state-anchor'
import type { LogClient } from '@sotto/serve/log-client'

import { pendingAnchor, type StateKeeper } from '../state/index.ts'
import { readHistory } from './boot.ts'
import type { KmsParts } from './parts.ts'
import type { Boot } from './view.ts'

/**
 * Logs where the durable state stands, if the log does not hold that yet, and makes sure that nobody took over
 * meanwhile: two copies of a store must not both acknowledge.
 * @throws `KMS_FENCED`, `KMS_STATE_ROLLED_BACK`, and those of log client and store, after which it is tried again
 */
export async function logAnchor(
  keeper: StateKeeper,
  log: LogClient,
  boot: Boot,
  parts: KmsParts,
): Promise<void> {
  const mark = pendingAnchor(keeper.current)
  if (mark === undefined) return
  const { sequence, digest } = mark
  const document: StateAnchor = { version: 1, genesis: keeper.current.identity!.digest, sequence, digest }
  // The same bytes again while this boot tries again; another boot signs the same sequence and digest.
  const envelope = boot.statementKey.sign(STATE_ANCHOR_TYPE, document)
  const { index, checkpoint } = await log.append(utf8(envelope))
  parts.clock.observe(checkpoint.time)
  await readHistory(keeper, log, checkpoint, boot.statementKey.publicKey)
  await keeper.transition((state) => ({ ...state, anchor: { ...state.anchor!, index } }))
}
