import { fromHex } from '@sotto/protocol/bytes'
import { requireStoreOf } from '../handover/index.ts'
import { adoptRecovered, logRecovery, RootHolder, settleRoot } from '../root/index.ts'
import { SPENT_TABLE, type SpendingSession, splitStore } from '../spent/index.ts'
import { StateKeeper } from '../state/index.ts'
import { establishIdentity, startBoot } from './boot.ts'
import { Changes } from './changes.ts'
import type { KmsParts } from './parts.ts'
import { openSpending } from './spending.ts'

/**
 * Opens the store, makes or checks the identity, logs this boot's certificate and publishes an
 * epoch signed with it. Safe to call again after an error that says `retry`.
 * @throws the errors of store, log client and hardware; `KMS_GENESIS_MISMATCH`,
 * `KMS_STATE_ROLLED_BACK`, `KMS_FENCED`
 */
export async function startChanges(
  parts: KmsParts,
): Promise<{ changes: Changes; spending: SpendingSession }> {
  const { source, obtained } = parts.root
  const { recovered, handedOver } = obtained
  const { rest, own } = splitStore(parts.store, SPENT_TABLE)
  const keeper = await StateKeeper.open(rest, handedOver?.keys)
  if (handedOver !== undefined) requireStoreOf(keeper.current, handedOver.genesis)
  const { seen } = keeper.current
  const log = parts.openLog(seen === undefined ? undefined : { size: seen.size, root: fromHex(seen.root) })
  if (recovered !== undefined) await adoptRecovered(keeper, log, recovered)
  const root = RootHolder.of(parts.root, keeper.current)
  await establishIdentity(keeper, log, parts, root)
  // Kept before the KMS that handed it over is fenced: killed in between, this one starts all the same.
  if (handedOver !== undefined) await settleRoot(keeper.current, root)
  const boot = await startBoot(keeper, log, parts, root, handedOver?.statementKey)
  const changes = new Changes(parts, keeper, log, root, boot)
  await changes.advanceRoot()
  if (recovered !== undefined) await logRecovery(recovered, changes.custodyTools())
  const isRotating = keeper.current.rotation !== undefined
  if (!isRotating && (source.sharing !== undefined || obtained.secrets.length > 1))
    await settleRoot(keeper.current, root)
  if (!isRotating) root.forgetRecovery()
  await changes.flush()
  await changes.advance(false)
  await changes.anchor()
  const spending = await openSpending({
    parts,
    keeper,
    log,
    store: own,
    boot: () => changes.boot,
    view: () => changes.view,
    change: (work) => changes.run(work),
  })
  return { changes, spending }
}
