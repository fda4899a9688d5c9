import { equalBytes, toHex } from '@sotto/protocol/bytes'
import type { Certificate, VerifiedPath } from '@sotto/protocol/x509'
import { Refusal, Skip, type Check } from '../checks/index.ts'
import { addDates, earlier, withX509 } from '../family/index.ts'
import { NAMES, verifyIntelChain } from './chains.ts'
import { chooseDocument, requireCurrentDocument, verifyDocument } from './documents.ts'
import type { DcapFacts, DcapFamily } from './facts.ts'
import { findQeDifferences, readQeIdentity } from './qe-identity.ts'
import { readTcbInfo } from './tcb-info.ts'
import { evaluateQe } from './tcb-level.ts'

/**
 * Checks of the documents that came with a quote: whatever was given must be genuine, in date and about this
 * platform. What was not given is skipped here, and missed by a check of acceptance.
 */
export function documentChecks(family: DcapFamily): Check<DcapFacts>[] {
  const tcbInfo = { what: 'the TCB information', id: family === 'tdx' ? 'TDX' : 'SGX' }
  const qeIdentity = { what: 'the identity of the quoting enclave', id: family === 'tdx' ? 'TD_QE' : 'QE' }
  return [
    {
      name: `${family}.collateral`,
      title: 'What came with the quote can be read',
      needs: [],
      class: 'collateral-invalid',
      run({ pieces: { defects } }) {
        if (defects.length > 0) throw new Refusal(defects.join('; '))
      },
    },
    {
      name: `${family}.tcb-signing`,
      title: 'The signer of TCB information leads to the pinned root of Intel',
      needs: [],
      class: 'collateral-invalid',
      maySkip: true,
      run(facts: DcapFacts) {
        const tcbSigners = verifyTcbSigners(facts)
        if (tcbSigners.size === 0) throw new Skip('no issuer chain was given')
        const ends = [...tcbSigners.values()].map(({ notAfter }) => notAfter)
        return { adds: { tcbSigners, validUntil: earlier(facts.validUntil, Math.min(...ends)) } }
      },
    },
    {
      name: `${family}.tcb-info`,
      title: 'The TCB information is signed by Intel, for this TEE, and current',
      needs: [],
      class: 'collateral-invalid',
      maySkip: true,
      run(facts: DcapFacts) {
        const { what, id } = tcbInfo
        const document = chooseDocument(facts.pieces.tcbInfos, tcbInfo)
        verifyDocument(document, what, facts)
        const read = readTcbInfo(document.value)
        if (read.id !== id) throw new Refusal(`${what} is for another TEE`, id, read.id)
        requireCurrentDocument(read, what, facts.input.at)
        return {
          adds: { tcbInfo: read, validUntil: earlier(facts.validUntil, read.nextUpdate) },
          found: `evaluation ${read.tcbEvaluationDataNumber}, FMSPC ${read.fmspc}`,
        }
      },
    },
    {
      name: `${family}.tcb-info-platform`,
      title: 'The TCB information is about this kind of platform',
      needs: [],
      class: 'collateral-invalid',
      maySkip: true,
      run(facts: DcapFacts) {
        const { tcbInfo: info, pck } = facts
        if (!info || !pck) throw new Skip('there is no TCB information or no platform')
        const [expected, found] = [
          `FMSPC ${toHex(pck.fmspc)}, PCEID ${toHex(pck.pceid)}`,
          `FMSPC ${info.fmspc}, PCEID ${info.pceId}`,
        ]
        if (expected !== found)
          throw new Refusal('the TCB information is about other platforms', expected, found)
        return { adds: { isOwnTcbInfo: true, dates: addDates(facts, 'collateral', info.issueDate) } }
      },
    },
    {
      name: `${family}.qe-identity`,
      title: 'The identity of the quoting enclave is signed by Intel, for this TEE, and current',
      needs: [],
      class: 'collateral-invalid',
      maySkip: true,
      run(facts: DcapFacts) {
        const { what, id } = qeIdentity
        const document = chooseDocument(facts.pieces.qeIdentities, qeIdentity)
        verifyDocument(document, what, facts)
        const read = readQeIdentity(document.value)
        if (read.id !== id) throw new Refusal(`${what} is for another TEE`, id, read.id)
        requireCurrentDocument(read, what, facts.input.at)
        return {
          adds: {
            qeIdentity: read,
            validUntil: earlier(facts.validUntil, read.nextUpdate),
            dates: addDates(facts, 'collateral', read.issueDate),
          },
          found: `evaluation ${read.tcbEvaluationDataNumber}`,
        }
      },
    },
    {
      name: `${family}.quoting-enclave`,
      title: 'The enclave that signed is the quoting enclave of Intel',
      needs: [],
      class: 'chain',
      maySkip: true,
      run({ qeIdentity: identity, quote }: DcapFacts) {
        if (!identity || !quote) throw new Skip('there is no identity to compare with')
        const { qeReport } = quote.signatureData
        const [difference] = findQeDifferences(identity, qeReport)
        if (difference)
          throw new Refusal(
            `${difference.field} is of another enclave`,
            difference.expected,
            difference.found,
          )
        return { adds: { qe: evaluateQe(identity, qeReport.ISVSVN) }, found: `ISVSVN ${qeReport.ISVSVN}` }
      },
    },
    {
      name: `${family}.issuer-chains`,
      title: 'Certificates that came with the quote are the ones in it',
      needs: [],
      class: 'collateral-invalid',
      maySkip: true,
      run({ pieces, reader, pckPath }: DcapFacts) {
        const chains = [...new Set([...pieces.pckCrlIssuerChains, ...pieces.pckCertificateChains])]
        if (chains.length === 0 || !pckPath) throw new Skip('none were given')
        for (const pem of chains) {
          const [leaf] = withX509('an issuer chain', () => reader.pem(pem), 'collateral-invalid')
          // The path of the quote was verified: its certificates are genuine, wherever else they stand.
          if (!pckPath.chain.some(({ der }) => equalBytes(der, leaf!.der)))
            throw new Refusal(
              'a chain is of another platform or authority',
              pckPath.chain[1]!.subjectText,
              leaf!.subjectText,
            )
        }
      },
    },
  ]
}

/** Paths of TCB signing certificates by the PEM text they came in, every one verified. */
function verifyTcbSigners({ pieces, reader, roots, input }: DcapFacts): Map<string, VerifiedPath> {
  const what = 'the TCB signing chain'
  const of = 'collateral-invalid'
  const documents = [...pieces.tcbInfos, ...pieces.qeIdentities]
  const own = documents.flatMap(({ issuerChain }) => (issuerChain === undefined ? [] : [issuerChain]))
  const read = (pem: string): Certificate[] => withX509(what, () => reader.pem(pem), of)
  const loose = pieces.chains.filter((pem) => read(pem)[0]!.commonName === NAMES.tcbSigning)
  const signers = new Map<string, VerifiedPath>()
  for (const pem of new Set([...own, ...loose])) {
    const chain = read(pem)
    const rules = { what, roots, at: input.at, leaf: NAMES.tcbSigning, authorities: [], class: of } as const
    signers.set(pem, verifyIntelChain(chain, rules))
  }
  return signers
}
