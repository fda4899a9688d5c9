import { equalBytes, fromBase64Url, fromHex, toHex } from '@sotto/protocol/bytes'
import { publicCrypto } from '@sotto/protocol/crypto-backend'
import { numericDate, verifyJws, verifyTimes } from '@sotto/protocol/jose'
import { type Check, Refusal, Skip } from '../checks/index.ts'
import { earlier, type FieldValue } from '../family/index.ts'
import type { MaaFacts } from './facts.ts'
import { findSigningKey, readKeySet, readSigningKeyQuote } from './signing-key.ts'
import { type MaaToken, parseMaaToken, textClaim } from './token.ts'

/** Providers of the public cloud: a name, a region and the domain. Microsoft's test regions have a label more. */
const PROVIDER = /^https:\/\/[a-z0-9-]+\.[a-z0-9-]+\.attest\.azure\.net$/

/** Where each kind of hardware has the 64 bytes that the attested program chose. */
const REPORT_DATA_CLAIMS = ['x-ms-sgx-report-data', 'x-ms-sevsnpvm-reportdata', 'tdx_report_data']

/** Whether the provider of Azure Attestation wrote this token, for this purpose, and it still counts. */
export const authenticChecks: readonly Check<MaaFacts>[] = [
  {
    name: 'azure-maa.structure',
    title: 'The token is a well-formed signed token and nothing else',
    needs: [],
    class: 'malformed',
    run({ input, fields }) {
      const token = parseMaaToken(input.evidence)
      Object.assign(fields, tokenFields(token))
      return { adds: { token } }
    },
  },
  {
    name: 'azure-maa.algorithm',
    title: 'Its signature algorithm is the one that Azure Attestation uses',
    needs: ['token'],
    class: 'algorithm',
    run({ token, fields }) {
      const { alg } = token.jws.header
      if (alg !== 'RS256') {
        fields['signature'] = `alg ${alg}`
        throw new Refusal('the algorithm is not RS256', 'RS256', alg)
      }
      return { found: alg }
    },
  },
  {
    name: 'azure-maa.collateral',
    title: 'Nothing came with it but a key set',
    needs: [],
    class: 'collateral-invalid',
    run({ input }) {
      const keys = readKeySet(input.collateral)
      return { adds: { keys }, found: `${keys.size} keys` }
    },
  },
  {
    name: 'azure-maa.issuer',
    title: 'It names a provider of Azure Attestation, or the one that the policy names',
    needs: ['token'],
    class: 'issuer',
    run({ token: { issuer }, policy }) {
      const isAccepted = policy.issuers ? policy.issuers.includes(issuer ?? '') : PROVIDER.test(issuer ?? '')
      const expected = policy.issuers?.join(' or ') ?? 'https://<name>.<region>.attest.azure.net'
      if (!isAccepted) throw new Refusal('the issuer is another', expected, issuer ?? 'none')
      return { found: issuer! }
    },
  },
  {
    name: 'azure-maa.signing-key',
    title: 'The given key set has the key that it names; keys that a token brings or points to do not count',
    needs: ['token', 'keys'],
    class: 'issuer',
    run({ token, keys }) {
      const { header } = token.jws
      return { adds: { key: findSigningKey(keys, header) }, found: header.kid! }
    },
  },
  {
    name: 'azure-maa.signing-certificate',
    title: 'The certificate of the key is made out to the issuer and valid now',
    needs: ['token', 'key'],
    class: 'issuer',
    run({ token: { issuer }, key: { certificate }, input }) {
      const { commonName, notBefore, notAfter } = certificate
      if (commonName === undefined || commonName !== issuer)
        throw new Refusal('the certificate of the key is made out to another', issuer, commonName ?? 'nobody')
      if (!(input.at >= notBefore && input.at <= notAfter))
        throw new Refusal('the certificate of the key is not valid', undefined, `${input.at}`, 'expired')
      return { found: commonName }
    },
  },
  {
    name: 'azure-maa.signing-key-quote',
    title: 'A quote in the certificate is about this key (that a processor signed it is not checked here)',
    needs: ['key'],
    class: 'collateral-invalid',
    maySkip: true,
    run({ key: { certificate }, policy, fields }) {
      const quote = readSigningKeyQuote(certificate)
      if (quote === undefined) {
        if (policy.requireSigningKeyQuote !== true) throw new Skip('the certificate of the key has no quote')
        throw new Refusal('the certificate of the key has no quote')
      }
      const { mrSigner, mrEnclave, isvSvn, bindsKey } = quote
      fields['signing_key_quote'] = {
        mrsigner: toHex(mrSigner),
        mrenclave: toHex(mrEnclave),
        isvsvn: isvSvn,
        report_data_is_sha256_of: 'SPKI PEM + NUL',
        matches: bindsKey,
        kid_is: 'base64(report_data[0:32])',
      }
      if (!bindsKey) throw new Refusal('the quote is about another key')
      return { found: `MRSIGNER ${toHex(mrSigner)}` }
    },
  },
  {
    name: 'azure-maa.pinned-key',
    title: 'The key is one that the policy names, or the caller fetched it from the provider',
    needs: ['key'],
    class: 'issuer',
    maySkip: true,
    run({ key, policy, input }) {
      // Their certificates are self-signed: nothing but where they were fetched tells genuine keys from others.
      if (!policy.signingKeys && input.trustKeySets === true)
        throw new Skip('the policy names no keys; the key set is the caller’s own')
      if (!policy.signingKeys)
        throw new Refusal(
          'nobody vouches for the key set',
          'a key that the policy names, or a key set of the caller’s own',
        )
      const found = toHex(publicCrypto.sha256(key.certificate.spki))
      if (!policy.signingKeys.includes(found))
        throw new Refusal('the policy does not name the key', policy.signingKeys.join(' or '), found)
      return { found }
    },
  },
  {
    name: 'azure-maa.signature',
    title: 'The signature covers the token',
    needs: ['token', 'key'],
    class: 'signature',
    run({ token, key, fields }) {
      fields['signature'] ??= 'invalid'
      verifyJws(token.jws, key.publicKey, { algorithms: ['RS256'] })
      fields['signature'] = 'valid'
    },
  },
  {
    name: 'azure-maa.validity',
    title: 'The token has begun and not ended',
    needs: ['token'],
    class: 'expired',
    run({ token, input, policy, validUntil }) {
      const { clockSkewSeconds = 0 } = policy
      const { exp } = verifyTimes(token.claims, input.at, { clockSkewSeconds })
      return { adds: { validUntil: earlier(validUntil, exp - 1) } }
    },
  },
  {
    name: 'azure-maa.runtime-data',
    title: 'The runtime data in it is what the hardware reported',
    needs: ['token'],
    class: 'binding',
    maySkip: true,
    run({ token: { tee } }) {
      const held = textClaim(tee.claims, 'x-ms-sgx-ehd')
      if (held === undefined) throw new Skip('the token holds no runtime data in its original form')
      const digest = publicCrypto.sha256(fromBase64Url(held))
      const reportData = reportDataOf(tee) ?? new Uint8Array(0)
      if (!equalBytes(digest, reportData.subarray(0, 32)))
        throw new Refusal('the runtime data is another', toHex(reportData), toHex(digest))
    },
  },
  {
    name: 'azure-maa.binding',
    title: 'The report data of the hardware is what was expected',
    needs: ['token'],
    class: 'binding',
    maySkip: true,
    run({ token: { tee }, input }) {
      const expected = input.expectedReportData
      if (expected === undefined) throw new Skip('nothing to compare with was given')
      if (expected.length !== 64)
        throw new Refusal('the expected report data has another length', '64 bytes', `${expected.length}`)
      const found = reportDataOf(tee)
      if (found === undefined || !equalBytes(expected, found))
        throw new Refusal('the report data is another', toHex(expected), found ? toHex(found) : 'none')
    },
  },
]

/** The 64 bytes of report data; undefined where the token has none, or in another form. */
function reportDataOf({ claims }: MaaToken['tee']): Uint8Array | undefined {
  const [value, ...more] = REPORT_DATA_CLAIMS.map((name) => textClaim(claims, name)).filter(
    (text) => text !== undefined,
  )
  if (value === undefined || more.length > 0 || value.length !== 128) return undefined
  return fromHex(value.toLowerCase())
}

/** What a token says, by the names of its header and its claims. */
function tokenFields({ jws: { header }, claims, issuer, tee }: MaaToken): Record<string, FieldValue> {
  const time = (name: string): number | null => numericDate(claims, name) ?? null
  return {
    alg: header.alg,
    kid: header.kid ?? null,
    iss: issuer ?? null,
    iat: time('iat'),
    nbf: time('nbf'),
    exp: time('exp'),
    attestation_type: tee.type ?? null,
    claims: claims as FieldValue,
  }
}
