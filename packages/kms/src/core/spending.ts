import { utf8 } from '@sotto/protocol/bytes'
import { SPENDING_TYPES } from '@sotto/protocol/spending'
import type { LogClient } from '@sotto/serve/log-client'
import { SpendingSession, SpentLedger, verifySpender } from '../spent/index.ts'
import type { StateKeeper } from '../state/index.ts'
import type { SealedStore } from '../store/index.ts'
import { readHistory } from './boot.ts'
import type { KmsParts } from './parts.ts'
import type { Boot, View } from './view.ts'

/** What the KMS lends the session of spent tokens. */
export interface SpendingHost {
  parts: KmsParts
  keeper: StateKeeper
  log: LogClient
  /** The table of spent tokens. */
  store: SealedStore
  /** Signs what comes next. */
  boot(): Boot
  /** What requests see. @throws when this KMS serves no more */
  view(): View
  change<T>(work: () => Promise<T>): Promise<T>
}

/** Reads what the store remembers, and begins a session over it. @throws those of the store */
export async function openSpending(host: SpendingHost): Promise<SpendingSession> {
  const { parts, keeper, log, store } = host
  const genesis = keeper.current.identity!.digest
  const ledger = await SpentLedger.open(store)
  return new SpendingSession({
    genesis,
    ledger,
    roster: () => keeper.current.roster,
    async logRoster(roster) {
      const { statementKey } = host.boot()
      const { checkpoint } = await log.append(utf8(statementKey.sign(SPENDING_TYPES.roster, roster)))
      parts.clock.observe(checkpoint.time)
      // Its newest roster becomes the state's; a run that began before this one was logged is noticed.
      await readHistory(keeper, log, checkpoint, statementKey.publicKey)
    },
    verifyReceipt: (statement, gateway) =>
      verifySpender(statement, gateway, { genesis, statementKeys: keeper.current.statementKeys ?? [], log }),
    sign: (payloadType, document) => host.view().boot.statementKey.sign(payloadType, document),
    change: (work) => host.change(work),
    now: () => parts.clock.now(),
    monotonic: parts.monotonic ?? (() => performance.now()),
  })
}
