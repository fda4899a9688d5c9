import { equalBytes, fromUtf8, toHex } from '@sotto/protocol/bytes'
import { verifyCoseSign1 } from '@sotto/protocol/cose'
import { certificatesOfPem } from '@sotto/protocol/x509'
import { type Check, Refusal, Skip } from '../checks/index.ts'
import { earlier } from '../family/index.ts'
import { readCertificates, verifyChain } from './chain.ts'
import { parseNitroDocument } from './document.ts'
import type { NitroFacts } from './facts.ts'
import { documentFields, secondsText, validityText } from './fields.ts'

/** Value of `alg` (RFC 9053 Section 2.1). */
const ES384 = -35
/** How far the clock of the hypervisor may be ahead of the verifier's, seconds. */
const CLOCK_SKEW_SECONDS = 60

/** Whether the hypervisor of AWS wrote this document, for this purpose, not long ago. */
export const authenticChecks: readonly Check<NitroFacts>[] = [
  {
    name: 'nitro.structure',
    title: 'The document is a well-formed attestation document and nothing else',
    needs: [],
    class: 'malformed',
    run({ input, fields }) {
      const document = parseNitroDocument(input.evidence)
      Object.assign(fields, documentFields(document))
      return { adds: { document }, found: document.module_id }
    },
  },
  {
    name: 'nitro.algorithm',
    title: 'Its signature algorithm is the one that AWS uses',
    needs: ['document'],
    class: 'algorithm',
    run({ document }) {
      const { alg } = document.message
      if (alg !== ES384) throw new Refusal('the algorithm is not ES384', `${ES384}`, `${alg}`)
      return { found: 'ES384' }
    },
  },
  {
    name: 'nitro.certificates',
    title: 'Its certificates are well-formed',
    needs: ['document'],
    class: 'malformed',
    run({ document, fields }) {
      const certificates = readCertificates(document)
      fields['chain_valid'] = validityText(certificates)
      return { adds: { certificates } }
    },
  },
  {
    name: 'nitro.chain',
    title: 'The certificate that signed it leads to the root of AWS, which comes first in its bundle',
    needs: ['document', 'certificates'],
    class: 'chain',
    run({ certificates, roots, validUntil }) {
      const chain = verifyChain(certificates, roots)
      return {
        adds: { chain, validUntil: earlier(validUntil, chain.notAfter) },
        found: certificates[0]!.subjectText,
      }
    },
  },
  {
    name: 'nitro.signature',
    title: 'The signature covers the document',
    needs: ['document', 'certificates'],
    class: 'signature',
    run({ document, certificates, fields }) {
      fields['signature'] = 'invalid'
      verifyCoseSign1(document.message, certificates[0]!.publicKey, { algorithms: ['ES384'] })
      fields['signature'] = 'valid'
    },
  },
  {
    name: 'nitro.validity',
    title: 'Its certificates were valid when it was made, and are now',
    needs: ['document', 'chain'],
    class: 'expired',
    run({ document, chain, input }) {
      const made = Math.floor(document.timestamp / 1000)
      const expected = `${secondsText(chain.notBefore)} to ${secondsText(chain.notAfter)}`
      for (const [what, time] of [
        ['when the document was made', made],
        ['at the time of checking', input.at],
      ] as const)
        if (!(time >= chain.notBefore && time <= chain.notAfter))
          throw new Refusal(`a certificate is not valid ${what}`, expected, `${time}`)
      return { found: expected }
    },
  },
  {
    name: 'nitro.timestamp',
    title: 'The document is not from the future',
    needs: ['document'],
    class: 'expired',
    run({ document, input }) {
      const latest = input.at + CLOCK_SKEW_SECONDS
      if (!(document.timestamp / 1000 <= latest))
        throw new Refusal(
          'the document is from the future',
          `${latest} or earlier`,
          `${document.timestamp / 1000}`,
        )
    },
  },
  {
    name: 'nitro.binding',
    title: 'Its user data is what was expected',
    needs: ['document'],
    class: 'binding',
    maySkip: true,
    run({ document, input }) {
      const expected = input.expectedReportData
      if (expected === undefined) throw new Skip('nothing to compare with was given')
      const found = document.user_data ?? new Uint8Array(0)
      if (expected.length === 0) throw new Refusal('the expected user data is empty', '1 byte or more', '0')
      if (!equalBytes(expected, found))
        throw new Refusal('the user data is another', toHex(expected), toHex(found) || 'nothing')
    },
  },
  {
    name: 'nitro.collateral',
    title: 'Nothing came with it but the root of AWS',
    needs: [],
    class: 'collateral-invalid',
    run({ input, roots }) {
      const pieces = Object.values(input.collateral)
      for (const piece of pieces)
        if (!piecesOf(piece).every((der) => roots.some((root) => equalBytes(root.der, der))))
          throw new Refusal('a piece is something other than the root of AWS')
      return { found: `${pieces.length} pieces` }
    },
  },
]

/** Certificates of a piece in PEM or DER. */
function piecesOf(piece: Uint8Array): Uint8Array[] {
  return piece[0] === 0x30 ? [piece] : certificatesOfPem(fromUtf8(piece))
}
