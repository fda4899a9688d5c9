import { equalBytes, toHex } from '@sotto/protocol/bytes'
import { publicCrypto } from '@sotto/protocol/crypto-backend'
import { Refusal, Skip, type Check } from '../checks/index.ts'
import type { FieldObject } from '../family/index.ts'
import { isSignedWith, parseQuote, quotedBank } from '../tpm/index.ts'
import type { AzureFacts, AzureFields } from './facts.ts'
import { userDataBytes } from './runtime-data.ts'

/** Hash of the signing scheme of HCLAkPub, RSASSA: with it the TPM also hashes the registers. */
const SCHEME_HASH = 'sha256'
const USER_DATA_BYTES = 64

/** Of the quote that the virtual TPM made for this request. */
export const QUOTE_CHECKS: readonly Check<AzureFacts>[] = [
  {
    name: 'azure-cvm.quote',
    title: 'The virtual TPM made a quote',
    needs: ['evidence'],
    class: 'malformed',
    run({ evidence: { tpmQuote }, fields }) {
      if (tpmQuote === undefined)
        throw new Refusal(
          'an HCL report alone proves nothing',
          'a quote of the virtual TPM',
          'none',
          'collateral-missing',
        )
      const attest = parseQuote(tpmQuote.message)
      prove(fields, { signature: false, pcr_digest: false, nonce_hex: toHex(attest.extraData) })
      return { adds: { quote: { parts: tpmQuote, attest } } }
    },
  },
  {
    name: 'azure-cvm.quote-signature',
    title: 'The quote is signed with the attestation key of the runtime data',
    needs: ['quote', 'runtime'],
    class: 'signature',
    run({ quote: { parts }, runtime: { attestationKey }, fields }) {
      if (!isSignedWith(attestationKey, SCHEME_HASH, parts.message, parts.signature))
        throw new Refusal('the signature does not cover this quote')
      prove(fields, { signature: true })
    },
  },
  {
    name: 'azure-cvm.pcr-selection',
    title: 'The quote selects registers of one bank, and their values are there',
    needs: ['quote'],
    class: 'malformed',
    run({ quote: { parts, attest }, fields }) {
      const bank = quotedBank(attest.pcrSelect)
      if (bank === undefined)
        throw new Refusal(
          'the quote is not about one bank',
          'one of SHA-256, SHA-384 or SHA-512',
          undefined,
          'algorithm',
        )
      const { indices, digestBytes } = bank
      if (parts.pcrs.length !== indices.length || parts.pcrs.some(({ length }) => length !== digestBytes))
        throw new Refusal(
          'other values came than were selected',
          `${indices.length} of ${digestBytes} bytes`,
          `${parts.pcrs.length} values`,
        )
      const values = new Map(indices.map((index, position) => [index, parts.pcrs[position]!]))
      prove(fields, { pcr_bank: bank.hash, pcrs: values.size })
      return { adds: { selected: { bank, values } }, found: `${bank.hash}: ${indices.join(', ')}` }
    },
  },
  {
    name: 'azure-cvm.pcr-digest',
    title: 'The values are the ones that the quote is about',
    needs: ['quote', 'selected'],
    class: 'binding',
    run({ quote: { parts, attest }, selected, fields }) {
      fields['pcr_values'] = Object.fromEntries(
        [...selected.values].map(([index, value]) => [index, toHex(value)]),
      )
      const digest = publicCrypto.hash(SCHEME_HASH, ...parts.pcrs)
      if (!equalBytes(digest, attest.pcrDigest))
        throw new Refusal('the quote is about other values', toHex(attest.pcrDigest), toHex(digest))
      prove(fields, { pcr_digest: true })
      return { adds: { pcrs: selected } }
    },
  },
  {
    name: 'azure-cvm.nonce',
    title: 'The quote is bound to the expected data',
    needs: ['quote'],
    class: 'binding',
    maySkip: true,
    run({ quote: { attest }, input: { expectedReportData: expected } }) {
      if (expected === undefined) throw new Skip('nothing to compare with was given')
      if (expected.length === 0) throw new Refusal('the expectation is empty', 'a nonce', 'nothing')
      if (!equalBytes(attest.extraData, expected))
        throw new Refusal('extraData is bound to something else', toHex(expected), toHex(attest.extraData))
      return { found: toHex(expected) }
    },
  },
  {
    name: 'azure-cvm.user-data',
    title: 'The hardware report was made for the same request as the quote',
    needs: ['quote', 'runtime', 'evidence'],
    class: 'binding',
    maySkip: true,
    run({ quote: { attest }, runtime: { userData = '' }, evidence: { version }, policy }) {
      if (version !== 2 && policy.requireFreshReport !== true)
        throw new Skip('evidence before version 2 has the hardware report of the last boot')
      const expected = new Uint8Array(USER_DATA_BYTES)
      expected.set(attest.extraData.subarray(0, USER_DATA_BYTES))
      const found = userDataBytes(userData)
      if (attest.extraData.length > USER_DATA_BYTES || !equalBytes(expected, found))
        throw new Refusal('user-data is not extraData', toHex(expected), toHex(found))
    },
  },
]

/** Adds to what is known of the quote, in the order of its first mention. */
function prove(fields: AzureFields, what: FieldObject): void {
  fields['tpm_quote'] = { ...(fields['tpm_quote'] as FieldObject | undefined), ...what }
}
