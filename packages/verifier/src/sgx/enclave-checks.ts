import { toHex } from '@sotto/protocol/bytes'
import { Refusal, Skip, type Check } from '../checks/index.ts'
import { requireAllowed } from '../dcap/allow-list.ts'
import { parseReportBody } from '../dcap/report-body.ts'
import { findEnclaveDefects, isSgxDebug } from './attributes.ts'
import type { SgxFacts } from './facts.ts'

/** The body, which every check of an enclave needs. */
export const BODY_CHECKS: readonly Check<SgxFacts>[] = [
  {
    name: 'sgx.body',
    title: 'The body is one of an enclave',
    needs: ['quote'],
    class: 'malformed',
    run({ quote, fields }) {
      if (quote.bodyKind !== 'SGX') throw new Refusal('the body is of a TD', 'SGX', quote.bodyKind)
      const report = parseReportBody(quote.body)
      Object.assign(fields, {
        cpusvn: toHex(report.CPUSVN),
        miscselect: toHex(report.MISCSELECT),
        attributes: toHex(report.ATTRIBUTES),
        mrenclave: toHex(report.MRENCLAVE),
        mrsigner: toHex(report.MRSIGNER),
        isvprodid: report.ISVPRODID,
        isvsvn: report.ISVSVN,
        report_data: toHex(report.REPORTDATA),
        debug: isSgxDebug(report),
      })
      return { adds: { report } }
    },
  },
]

/** What the enclave is. */
export const ENCLAVE_CHECKS: readonly Check<SgxFacts>[] = [
  {
    name: 'sgx.debug',
    title: 'The host cannot look into the enclave',
    needs: ['report'],
    class: 'debug',
    run({ report, policy: { allowDebug } }) {
      const isDebug = isSgxDebug(report)
      if (isDebug && allowDebug !== true)
        throw new Refusal('the enclave is in debug mode', 'DEBUG 0', 'DEBUG 1')
      return { found: `DEBUG ${isDebug ? 1 : 0}` }
    },
  },
  {
    name: 'sgx.measurement',
    title: 'Program and signer are accepted ones',
    needs: ['report'],
    class: 'measurement',
    maySkip: true,
    run: ({ report, policy }) =>
      requireAllowed([
        ['MRENCLAVE', policy.mrEnclave, report.MRENCLAVE],
        ['MRSIGNER', policy.mrSigner, report.MRSIGNER],
        ['CONFIGID', policy.configIds, report.CONFIGID],
      ]),
  },
  {
    name: 'sgx.product',
    title: 'The program of the signer is an accepted one, and new enough',
    needs: ['report'],
    class: 'measurement',
    maySkip: true,
    run({ report: { ISVPRODID, ISVSVN }, policy: { isvProdIds, minimumIsvSvn } }) {
      if (isvProdIds === undefined && minimumIsvSvn === undefined)
        throw new Skip('the policy names no product')
      if (isvProdIds && !isvProdIds.includes(ISVPRODID))
        throw new Refusal('ISVPRODID not accepted', isvProdIds.join(' or '), `${ISVPRODID}`)
      if (ISVSVN < (minimumIsvSvn ?? 0))
        throw new Refusal('ISVSVN not accepted', `at least ${minimumIsvSvn}`, `${ISVSVN}`)
      return { found: `ISVPRODID ${ISVPRODID}, ISVSVN ${ISVSVN}` }
    },
  },
]

/** Attributes that the enclave was launched with. */
export const ATTRIBUTE_CHECKS: readonly Check<SgxFacts>[] = [
  {
    name: 'sgx.attributes',
    title: 'The enclave has no attribute that weakens it',
    needs: ['report'],
    class: 'guest-policy',
    run({ report, policy }) {
      const defects = findEnclaveDefects(report, policy)
      if (defects.length > 0) throw new Refusal(defects.join('; '))
    },
  },
]
