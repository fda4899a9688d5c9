import { AZURE_PAYLOAD_TYPES, azureReleaseDecoder } from '@sotto/protocol/azure-dialect'
import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { parseDsse } from '@sotto/protocol/dsse'
import { CUSTODY_TYPES } from '@sotto/protocol/custody'
import { HANDOVER_RECEIPT_TYPE } from '@sotto/protocol/handover'
import { PAYLOAD_TYPES } from '@sotto/protocol/keyrelease'
import { RECEIPT_BATCH_TYPE } from '@sotto/protocol/receipt-log'
import { SPENDING_TYPES } from '@sotto/protocol/spending'
import { ISSUER_KEYS_TYPE } from '@sotto/protocol/tokens'
import { readEntry } from '../entry-types.ts'
import type { Alert, Expectations } from '../types.ts'
import { judgeDecision, judgeRecord } from './governance.ts'
import { judgeHandover } from './handovers.ts'
import { judgeCertificate, judgeGenesis, judgeSuccession } from './identity.ts'
import { judgeIssuerKeys } from './issuers.ts'
import type { Judging } from './judging.ts'
import { judgeKeySet, judgeReceipt } from './keys.ts'
import { judgeReceiptBatch } from './receipt-batches.ts'
import { judgeRoster } from './rosters.ts'
import { judgeShareSet } from './shares.ts'
import { judgeRelease } from './workloads.ts'
import { keep, type MonitorState, type WatchState } from './state.ts'

/**
 * How entries are judged, by payload type; a new kind is one line here and one in `ENTRY_TYPES`. All but release
 * statements name the genesis they are of and are judged only where it is the watched one; those of token issuers are
 * known by who signed them.
 */
const JUDGES: ReadonlyMap<string, (judging: Judging) => void> = new Map<string, (judging: Judging) => void>([
  [PAYLOAD_TYPES.kmsCertificate, judgeCertificate],
  [CUSTODY_TYPES.rootSuccession, judgeSuccession],
  [CUSTODY_TYPES.shareSet, judgeShareSet],
  [HANDOVER_RECEIPT_TYPE, judgeHandover],
  [SPENDING_TYPES.roster, judgeRoster],
  [RECEIPT_BATCH_TYPE, judgeReceiptBatch],
  [PAYLOAD_TYPES.governance, judgeRecord],
  [PAYLOAD_TYPES.decision, judgeDecision],
  [PAYLOAD_TYPES.keySet, judgeKeySet],
  [PAYLOAD_TYPES.releaseReceipt, (judging) => judgeReceipt(judging)],
  [AZURE_PAYLOAD_TYPES.release, (judging) => judgeReceipt(judging, azureReleaseDecoder)],
])

/** Judges one entry of the log, in order, and remembers what later ones are judged by. */
export function judgeEntry(
  state: MonitorState,
  expect: Expectations,
  { index, entry }: { index: number; entry: Uint8Array },
): Alert[] {
  const alerts: Alert[] = []
  const read = readEntry(entry)
  count(state, read === undefined ? 'not an envelope' : (read.type?.name ?? 'other'))
  if (read === undefined) return alerts
  const { envelope, genesis } = read
  const judgingOf = (own: Uint8Array, at: number): Judging => ({
    state: state.watch,
    expect,
    entry: own,
    envelope: parseDsse(own),
    index: at,
    alert(code, message, expected, found) {
      alerts.push({
        code,
        message,
        index: at,
        ...(expected !== undefined && { expected }),
        ...(found !== undefined && { found }),
      })
    },
  })
  const judging = judgingOf(entry, index)
  const { watch } = state
  if (envelope.payloadType === PAYLOAD_TYPES.genesis) {
    if (watch.genesis === undefined) judgeGenesis(judging)
    // Release statements that came before the genesis that says who signs them.
    if (watch.genesis !== undefined) {
      const waiting = watch.pending.splice(0)
      for (const { index: at, envelope: own } of waiting) judgeRelease(judgingOf(utf8(own), at))
    }
  } else if (envelope.payloadType === PAYLOAD_TYPES.release) {
    if (expect.releaseKeys === undefined && watch.genesis === undefined)
      keep(watch, 'pending', { index, envelope: fromUtf8(entry) })
    else judgeRelease(judging)
  } else if (envelope.payloadType === ISSUER_KEYS_TYPE) {
    judgeIssuerKeys(judging)
  } else if (genesis !== undefined && genesis === watchedGenesis(watch, expect)) {
    JUDGES.get(envelope.payloadType)?.(judging)
  }
  return alerts
}

function watchedGenesis(watch: WatchState, { genesis }: Expectations): string | undefined {
  return watch.genesis?.digest ?? genesis
}

function count(state: MonitorState, name: string): void {
  const known = state.counts.find((one) => one.name === name)
  if (known === undefined) state.counts.push({ name, count: 1 })
  else known.count++
}
