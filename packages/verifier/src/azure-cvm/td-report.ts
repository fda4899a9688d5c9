import { concat, equalBytes, toHex } from '@sotto/protocol/bytes'
import { publicCrypto } from '@sotto/protocol/crypto-backend'
import { type Check, Refusal, Skip } from '../checks/index.ts'
import { isZero } from '../dcap/header.ts'
import { parseQuote } from '../dcap/quote.ts'
import type { AzureFacts } from './facts.ts'

/**
 * TDREPORT_STRUCT: Intel "TDX Module ABI Specification", TDREPORT. Only the processor that made it can
 * check its MAC, so that it proves nothing to anybody else: what counts is the quote made of it.
 */
export const TD_REPORT_BYTES = 1024
/** REPORTTYPE: TDX, no subtype; versions 0 and 1 (TDX 1.5 with a hash of service TDs). */
const TYPE_TDX = 0x81
const MAX_VERSION = 1
/** Of REPORTTYPE and of REPORTMACSTRUCT, and behind TEE_TCB_INFO. */
const RESERVED: readonly Range[] = [
  [4, 16],
  [192, 224],
  [495, 512],
]
/** TEE_TCB_INFO without the reserved bytes behind it, and TDINFO. */
const TEE_TCB_INFO: Range = [256, 495]
const TD_INFO: Range = [512, 1024]
const TEE_TCB_INFO_HASH: Range = [32, 80]
const TEE_INFO_HASH: Range = [80, 128]
/** From TEE_TCB_SVN to SEAM attributes; from ATTRIBUTES to the last RTMR; REPORTDATA: in the order of a quote. */
const QUOTED: readonly Range[] = [
  [264, 384],
  [512, 912],
  [128, 192],
]

type Range = readonly [start: number, end: number]

/**
 * Refuses a TDREPORT that is not the one the quote was made of: the same module, TD, measurements and
 * report data, and a MAC structure over exactly these. CPUSVN and MAC stand in no quote and decide nothing.
 *
 * @param body of a quote of version 4, or the longer one of TDX 1.5 that begins the same
 * @throws Refusal of class `binding` or `malformed`
 */
export function requireQuotedReport(report: Uint8Array, body: Uint8Array): void {
  const part = ([start, end]: Range): Uint8Array => report.subarray(start, end)
  const type = report.subarray(0, 4)
  if (type[0] !== TYPE_TDX || type[1] !== 0 || type[2]! > MAX_VERSION || type[3] !== 0)
    throw new Refusal('REPORTTYPE is not of TDX', '81000000 or 81000100', toHex(type), 'malformed')
  for (const range of RESERVED)
    if (!isZero(part(range)))
      throw new Refusal(`reserved bytes at ${range[0]} are not zero`, 'zero', toHex(part(range)), 'malformed')
  const quoted = concat(...QUOTED.map(part))
  if (!equalBytes(quoted, body.subarray(0, quoted.length)))
    throw new Refusal('the TDREPORT is not what was quoted', undefined, undefined, 'binding')
  if (
    !equalBytes(publicCrypto.sha384(part(TEE_TCB_INFO)), part(TEE_TCB_INFO_HASH)) ||
    !equalBytes(publicCrypto.sha384(part(TD_INFO)), part(TEE_INFO_HASH))
  )
    throw new Refusal('REPORTMACSTRUCT is of other information', undefined, undefined, 'binding')
}

/** Of TDX alone: an SNP report is signed itself. */
export const TD_REPORT_CHECKS: readonly Check<AzureFacts>[] = [
  {
    name: 'azure-cvm.td-report',
    title: 'The quote was made of the TDREPORT in the HCL report',
    needs: ['hcl', 'evidence'],
    class: 'malformed',
    maySkip: true,
    run({ hcl, evidence: { tdQuote } }) {
      if (hcl.type !== 'TDX') throw new Skip('the hardware report is of SEV-SNP')
      if (tdQuote === undefined)
        throw new Refusal('a TDREPORT alone proves nothing', 'a TD quote', 'none', 'collateral-missing')
      requireQuotedReport(hcl.hardwareReport, parseQuote(tdQuote).body)
      return { adds: { isQuoted: true } }
    },
  },
]
