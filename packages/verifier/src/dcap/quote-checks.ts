import { equalBytes, fromUtf8, toHex } from '@sotto/protocol/bytes'
import { publicCrypto } from '@sotto/protocol/crypto-backend'
import { Refusal, Skip, type Check } from '../checks/index.ts'
import { earlier, withX509 } from '../family/index.ts'
import { NAMES, verifyIntelChain } from './chains.ts'
import type { DcapFacts, DcapFamily } from './facts.ts'
import { dateText } from './fields.ts'
import { ECDSA_P256, INTEL_QE_VENDOR, isZero, parseQuoteHeader, TEE } from './header.ts'
import { parsePckExtension } from './pck.ts'
import { parseQuote, REPORT_DATA_BYTES } from './quote.ts'
import { PCK_CHAIN } from './signature-data.ts'
import { isSignedByCertificate, isSignedByPoint } from './verify-p256.ts'

/** Checks of the quote by itself: two signatures from the body to a PCK certificate, and its chain. */
export function quoteChecks(family: DcapFamily): Check<DcapFacts>[] {
  const teeType = family === 'tdx' ? TEE.TDX : TEE.SGX
  return [
    {
      name: `${family}.header`,
      title: `The evidence is a quote of ${family.toUpperCase()}, signed with ECDSA P-256`,
      needs: [],
      class: 'malformed',
      run({ input, fields }) {
        const header = parseQuoteHeader(input.evidence)
        fields['version'] = header.version
        fields['tee'] = header.teeType === TEE.TDX ? 'TDX' : 'SGX'
        fields['qe_vendor'] = toHex(header.qeVendorId)
        const { attestationKeyType } = header
        if (attestationKeyType !== ECDSA_P256)
          throw new Refusal(
            'the attestation key is of another type',
            `${ECDSA_P256}`,
            `${attestationKeyType}`,
            'algorithm',
          )
        if (header.teeType !== teeType)
          throw new Refusal(
            'the quote is of another TEE',
            `0x${teeType.toString(16)}`,
            `0x${header.teeType.toString(16)}`,
          )
        return { adds: { header }, found: `version ${header.version}` }
      },
    },
    {
      name: `${family}.qe-vendor`,
      title: 'The quoting enclave is of Intel by its vendor id',
      needs: ['header'],
      class: 'issuer',
      run({ header }) {
        const found = toHex(header.qeVendorId)
        if (found !== INTEL_QE_VENDOR) throw new Refusal('the vendor is unknown', INTEL_QE_VENDOR, found)
      },
    },
    {
      name: `${family}.structure`,
      title: 'Body, signatures and certification data are complete, to the byte',
      needs: ['header'],
      class: 'malformed',
      run({ input, fields }) {
        const quote = parseQuote(input.evidence)
        const { qeReport, certificationType } = quote.signatureData
        fields['body_type'] = quote.bodyType
        fields['trailing_bytes'] = quote.trailing.length
        fields['pck_cert_type'] = certificationType
        fields['qe'] = {
          mrsigner: toHex(qeReport.MRSIGNER),
          isvprodid: qeReport.ISVPRODID,
          isvsvn: qeReport.ISVSVN,
        }
        return { adds: { quote } }
      },
    },
    {
      name: `${family}.trailing`,
      title: 'Nothing but padding follows the quote',
      needs: ['quote'],
      class: 'malformed',
      run({ quote: { trailing } }) {
        // Nothing signs it: whoever passes the quote on could say anything there.
        if (!isZero(trailing))
          throw new Refusal('unsigned bytes follow the quote', 'zeros', `${trailing.length} bytes`)
        return { found: `${trailing.length} bytes` }
      },
    },
    {
      name: `${family}.pck-chain`,
      title: 'The certificate of the platform leads to the pinned root of Intel',
      needs: ['quote'],
      class: 'malformed',
      run(facts) {
        const { reader, roots, input, fields } = facts
        const pem = pckPem(facts)
        const what = 'the PCK certificate chain'
        const chain = withX509(what, () => reader.pem(pem))
        const [pck, pckCa] = chain
        if (pck) {
          // What a chain says is worth showing, also where it leads nowhere.
          fields['pck_issuer'] = pckCa?.commonName ?? null
          fields['pck_chain_valid'] = `${dateText(pck.notBefore)}..${dateText(pck.notAfter)}`
        }
        const extension = withX509(what, () => parsePckExtension(pck!))
        fields['fmspc'] = toHex(extension.fmspc)
        fields['ppid'] = toHex(extension.ppid)
        const rules = { what, roots, at: input.at, leaf: NAMES.pck, authorities: NAMES.pckCas }
        const pckPath = verifyIntelChain(chain, { ...rules, class: 'chain' })
        const { notBefore, notAfter } = pckPath
        fields['pck_chain_valid'] = `${dateText(notBefore)}..${dateText(notAfter)}`
        return {
          adds: { pckPath, pck: extension, validUntil: earlier(facts.validUntil, notAfter) },
          found: `FMSPC ${toHex(extension.fmspc)}, by ${pckPath.chain[1]!.commonName}`,
        }
      },
    },
    {
      name: `${family}.qe-report`,
      title: 'The platform signed the report of the quoting enclave',
      needs: ['quote', 'pckPath'],
      class: 'signature',
      run({ quote: { signatureData: data }, pckPath }) {
        if (!isSignedByCertificate(pckPath.chain[0]!, data.qeReportBytes, data.qeReportSignature))
          throw new Refusal('the PCK did not sign the report of the quoting enclave')
      },
    },
    {
      name: `${family}.attestation-key`,
      title: 'The quoting enclave made the attestation key',
      needs: ['quote'],
      class: 'signature',
      run({ quote: { signatureData: data } }) {
        const expected = publicCrypto.sha256(data.attestationKey, data.qeAuthData)
        const found = data.qeReport.REPORTDATA
        if (
          !equalBytes(expected, found.subarray(0, expected.length)) ||
          !isZero(found.subarray(expected.length))
        )
          throw new Refusal(
            'REPORTDATA of the quoting enclave is not of this key',
            toHex(expected),
            toHex(found),
          )
      },
    },
    {
      name: `${family}.signature`,
      title: 'The attestation key signed the quote',
      needs: ['quote'],
      class: 'signature',
      run({ quote: { signed, signatureData: data } }) {
        if (!isSignedByPoint(data.attestationKey, signed, data.quoteSignature))
          throw new Refusal('the signature does not cover this header and body')
      },
    },
    {
      name: `${family}.binding`,
      title: 'The report data is the expected one',
      needs: ['quote'],
      class: 'binding',
      maySkip: true,
      run({ quote: { reportData }, input: { expectedReportData: expected } }) {
        if (expected === undefined) throw new Skip('nothing to compare with was given')
        if (expected.length !== REPORT_DATA_BYTES)
          throw new Refusal(
            'the expectation has another length',
            `${REPORT_DATA_BYTES} bytes`,
            `${expected.length}`,
          )
        if (!equalBytes(expected, reportData))
          throw new Refusal('the quote is bound to something else', toHex(expected), toHex(reportData))
        return { found: toHex(reportData) }
      },
    },
  ]
}

/** PEM of the PCK certificate: in the quote, or with collateral for quotes that only name it. */
function pckPem({ quote, pieces, reader }: Required<DcapFacts>): string {
  const { certificationType, certificationData } = quote.signatureData
  if (certificationType === PCK_CHAIN) return fromUtf8(certificationData)
  const loose = pieces.chains.filter((chain) => reader.pem(chain)[0]!.commonName === NAMES.pck)
  const [pem, ...more] = new Set([...pieces.pckCertificateChains, ...loose])
  if (pem === undefined)
    throw new Refusal(
      'the quote only names its PCK certificate',
      'its chain',
      undefined,
      'collateral-missing',
    )
  if (more.length > 0)
    throw new Refusal(
      'there are several PCK certificate chains',
      '1',
      `${more.length + 1}`,
      'collateral-invalid',
    )
  return pem
}
