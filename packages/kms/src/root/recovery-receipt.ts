import { utf8 } from '@sotto/protocol/bytes'
import { CUSTODY_TYPES, type RecoveryReceipt } from '@sotto/protocol/custody'
import type { CustodyTools } from './custody.ts'
import type { Recovered } from './types.ts'

/**
 * Writes into the log that custodians brought this KMS back, before it serves: who they were, for which session,
 * and whether a store was given up. A start that is tried again writes it again, under its own key.
 */
export async function logRecovery(
  { history, generation, nonce, indexes, forgetStore }: Recovered,
  { log, clock, signer }: Pick<CustodyTools, 'log' | 'clock' | 'signer'>,
): Promise<void> {
  const receipt: RecoveryReceipt = {
    version: 1,
    genesis: history.digest,
    generation,
    nonce,
    indexes,
    forgotStore: forgetStore,
    recoveredAt: clock.now(),
  }
  const envelope = signer.statementKey.sign(CUSTODY_TYPES.recoveryReceipt, receipt)
  const { checkpoint } = await log.append(utf8(envelope))
  clock.observe(checkpoint.time)
}
