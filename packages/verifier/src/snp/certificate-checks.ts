import { toHex } from '@sotto/protocol/bytes'
import { publicCrypto } from '@sotto/protocol/crypto-backend'
import { Refusal, Skip, type Check } from '../checks/index.ts'
import { earlier } from '../family/index.ts'
import { selectKey } from './binding.ts'
import { verifyChain, verifySurplus } from './chain.ts'
import type { SnpFacts } from './facts.ts'
import { dateText } from './fields.ts'
import { verifyRevocation } from './revocation.ts'

/** Made once: a stack trace takes longer than the check. */
const NO_CRL = new Skip('no CRL was given')

/** Of the pieces and certificates alone, with or without a report. */
export const CERTIFICATE_CHECKS: readonly Check<SnpFacts>[] = [
  {
    name: 'sev-snp.collateral',
    title: 'What came with the report is a certificate, CRL or endorsement',
    needs: ['collateral'],
    run({ collateral }) {
      const [first, ...more] = collateral.problems
      if (first === undefined) return
      const reason = [first, ...more].map(({ message }) => message).join('; ')
      throw new Refusal(reason, first.expected, first.found, first.class)
    },
  },
  {
    name: 'sev-snp.endorsement-key',
    title: 'The certificate of the signing key was given',
    needs: ['collateral'],
    class: 'collateral-missing',
    run(facts) {
      const { collateral, fields } = facts
      const key = selectKey(collateral.keys, (facts as SnpFacts).report)
      if (key === undefined) throw new Refusal('there is no VCEK or VLEK certificate')
      const { der, notBefore, notAfter } = key.certificate
      fields['leaf_sha256'] = toHex(publicCrypto.sha256(der))
      fields['chain_valid'] = [dateText(notBefore), dateText(notAfter)]
      if (key.cspId !== undefined) fields['csp_id'] = key.cspId
      return { adds: { key }, found: `${key.kind} of ${key.productName}` }
    },
  },
  {
    name: 'sev-snp.chain',
    title: 'AMD certified that key: it leads to the pinned root of one product',
    needs: ['key'],
    class: 'chain',
    run({ key, collateral, roots, fields }) {
      fields['chain'] = 'invalid'
      const chain = verifyChain(key, collateral.certificates, roots)
      const { product, certificates, notBefore, notAfter } = chain
      Object.assign(fields, { product, chain: 'ok', chain_valid: [dateText(notBefore), dateText(notAfter)] })
      return {
        adds: { chain, product },
        found: certificates.map(({ subjectText }) => subjectText).join(' < '),
      }
    },
  },
  {
    name: 'sev-snp.surplus',
    title: 'Certificates that were given beside the chain are AMD’s as well',
    needs: ['key', 'collateral'],
    class: 'chain',
    run({ key, collateral: { keys, certificates }, roots }) {
      const others = keys.filter((other) => other !== key)
      verifySurplus(others, certificates, roots)
    },
  },
]

/** Dates and CRLs come after everything that does not change with time. */
export const CURRENCY_CHECKS: readonly Check<SnpFacts>[] = [
  {
    name: 'sev-snp.validity',
    title: 'Every certificate of the chain is valid at this time',
    needs: ['chain'],
    class: 'expired',
    run({ chain: { notBefore, notAfter }, input: { at }, validUntil }) {
      const expected = `${dateText(notBefore)} to ${dateText(notAfter)}`
      // Written so that a time that is no number is refused.
      if (!(at >= notBefore && at <= notAfter))
        throw new Refusal('a certificate is not valid at this time', expected, String(at))
      return { adds: { validUntil: earlier(validUntil, notAfter) }, expected }
    },
  },
  {
    name: 'sev-snp.revocation',
    title: 'The CRLs that were given are genuine, current and revoke none of these',
    needs: ['chain'],
    class: 'collateral-invalid',
    maySkip: true,
    run({ chain, collateral, roots, input: { at }, validUntil }) {
      if (collateral.crls.length === 0) throw NO_CRL
      const revocation = verifyRevocation(chain, collateral.crls, roots, at)
      return {
        adds: {
          revocation,
          dates: revocation.dates,
          ...(revocation.validUntil !== undefined && {
            validUntil: earlier(validUntil, revocation.validUntil),
          }),
        },
      }
    },
  },
]
