import type { HardwareSource } from '@sotto/protocol/evidence-hardware'
import {
  collectAzureEvidence,
  collectEventLog,
  collectGramineQuote,
  collectNitroDocument,
  collectTsmReport,
  type Machine,
  splitCertificateTable,
} from '../evidence/index.ts'

/** Sources of evidence about a processor. */
export type ProcessorSource = Exclude<HardwareSource, 'nvidia'>

/** One piece of evidence, and what this machine has beside it. */
export interface CollectedPiece {
  evidence: Uint8Array
  collateral: Readonly<Record<string, Uint8Array>>
}

/** Collects evidence that carries exactly this, as `BINDINGS` of the verifier says what that is. @throws `COLLECT_*` */
type Collector = (
  machine: Machine,
  carried: Uint8Array,
  helpers: { nitroHelper: string },
) => Promise<CollectedPiece>

const NITRO_TIMEOUT_MS = 10_000

/** How each kind of processor is asked. */
export const PROCESSOR_SOURCES: Readonly<Record<ProcessorSource, Collector>> = {
  async 'sev-snp'(machine, reportData) {
    const { outblob, auxblob } = await collectTsmReport(machine, reportData)
    return { evidence: outblob, collateral: auxblob === undefined ? {} : splitCertificateTable(auxblob) }
  },
  async tdx(machine, reportData) {
    const { outblob } = await collectTsmReport(machine, reportData)
    // Firmware without an event log still measures: a policy may name the registers themselves.
    const log = await collectEventLog(machine).catch(() => undefined)
    return { evidence: outblob, collateral: log === undefined ? {} : { ccel: log.log } }
  },
  async sgx(machine, reportData) {
    return { evidence: await collectGramineQuote(machine, reportData), collateral: {} }
  },
  async nitro(_machine, userData, { nitroHelper }) {
    const helper = { command: nitroHelper, timeoutMs: NITRO_TIMEOUT_MS }
    return { evidence: await collectNitroDocument(helper, { userData }), collateral: {} }
  },
  async 'azure-cvm'(machine, nonce) {
    return collectAzureEvidence(machine, nonce)
  },
}
