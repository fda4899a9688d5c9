import { toHex } from '@sotto/protocol/bytes'
import type { LogClient } from '@sotto/serve/log-client'
import { kmsError } from '../errors.ts'
import type { Custody, KmsState, StateKeeper } from '../state/index.ts'
import type { LoggedShareSet } from '@sotto/verifier/custody'
import { scanOwnHistory } from '../audit/index.ts'
import { rebuildState } from './rebuild.ts'
import type { Recovered } from './types.ts'

/**
 * Gives a KMS that custodians brought back, and that has no store, its identity from the log. What came after
 * the genesis is taken from the log only with their consent; without it, a KMS that the log knows more of does not
 * begin anew, and nothing is stored: they may still agree (T11).
 * @throws `KMS_GENESIS_MISMATCH`, `KMS_STATE_ROLLED_BACK`, those of log client and store
 */
export async function adoptRecovered(
  keeper: StateKeeper,
  log: LogClient,
  recovered: Recovered,
): Promise<void> {
  const { history, forgetStore } = recovered
  const { identity } = keeper.current
  if (identity !== undefined) {
    if (identity.digest === history.digest) return
    throw kmsError('KMS_GENESIS_MISMATCH', 'custodians brought back another KMS than that of this store', {
      expected: identity.digest,
      found: history.digest,
    })
  }
  const genesis = history.genesis!
  const checkpoint = await log.latest()
  const adopted: KmsState = {
    ...keeper.current,
    identity: { genesis, digest: history.digest },
    roots: history.roots,
    seen: { size: checkpoint.size, root: toHex(checkpoint.root), scanned: genesis.index },
    custody: { ...custodyOf(history.shareSet!), generation: history.generation },
  }
  const entries = log.entries(genesis.index, checkpoint.size, checkpoint)
  if (!forgetStore) {
    await scanOwnHistory(adopted, entries)
    await keeper.transition(() => adopted)
    return
  }
  const state = await rebuildState(adopted, history, entries)
  // All of it was read.
  await keeper.transition(() => ({ ...state, seen: { ...adopted.seen!, scanned: checkpoint.size } }))
}

function custodyOf({
  statement,
  document,
  certificate,
  acknowledgements,
}: LoggedShareSet): Omit<Custody, 'generation'> {
  return {
    // The keys themselves are not in the set; whoever re-shares names them anew.
    sharing: undefined,
    set: statement,
    certificate,
    acknowledgements: [...acknowledgements].map(([share, said]) => ({ share, statement: said })),
    isEstablished: acknowledgements.size >= document.threshold,
  }
}
