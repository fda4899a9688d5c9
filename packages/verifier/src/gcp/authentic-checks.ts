import { equalBytes, fromUtf8, toHex, utf8 } from '@sotto/protocol/bytes'
import {
  findJwk,
  type Jwk,
  member,
  numericDate,
  parseJwks,
  publicKeyOfJwk,
  verifyJws,
  verifyTimes,
} from '@sotto/protocol/jose'
import {
  type Certificate,
  certificatesOfPem,
  KEY_USAGE,
  parseCertificate,
  type PublicKey,
  verifyPath,
} from '@sotto/protocol/x509'
import { type Check, Refusal, Skip } from '../checks/index.ts'
import { type Collateral, earlier, type FieldValue, withX509 } from '../family/index.ts'
import type { ConfidentialSpaceFacts } from './facts.ts'
import { claimAt, type ConfidentialSpaceToken, parseConfidentialSpaceToken } from './token.ts'

/** `iss` of every token, in both forms. */
const ISSUER = 'https://confidentialcomputing.googleapis.com'
const OPEN_BRACE = 0x7b

/** Whether Google's verifier wrote this token, for this purpose, and it still counts. */
export const authenticChecks: readonly Check<ConfidentialSpaceFacts>[] = [
  {
    name: 'gcp-confidential-space.structure',
    title: 'The token is a well-formed signed token and nothing else',
    needs: [],
    class: 'malformed',
    run({ input, fields }) {
      const token = parseConfidentialSpaceToken(input.evidence)
      Object.assign(fields, tokenFields(token))
      return { adds: { token } }
    },
  },
  {
    name: 'gcp-confidential-space.algorithm',
    title: 'Its signature algorithm is the one that Google uses',
    needs: ['token'],
    class: 'algorithm',
    run({ token }) {
      const { alg } = token.jws.header
      if (alg !== 'RS256') throw new Refusal('the algorithm is not RS256', 'RS256', alg)
      return { found: alg }
    },
  },
  {
    name: 'gcp-confidential-space.collateral',
    title: 'Nothing came with it but the root of Google and a key set',
    needs: [],
    class: 'collateral-invalid',
    run({ input, roots }) {
      return { adds: { keys: readCollateral(input.collateral, roots) } }
    },
  },
  {
    name: 'gcp-confidential-space.issuer',
    title: "It names Google's verifier as its issuer",
    needs: ['token'],
    class: 'issuer',
    run({ token }) {
      const issuer = member(token.claims, 'iss')
      if (issuer !== ISSUER) throw new Refusal('the issuer is another', ISSUER, textOf(issuer))
      return { found: ISSUER }
    },
  },
  {
    name: 'gcp-confidential-space.signing-key',
    title: 'It comes with the certificate of its key, or the given key set has the key that it names',
    needs: ['token', 'keys'],
    class: 'issuer',
    run({ token, keys }) {
      const { x5c } = token.jws.header
      if (x5c === undefined) {
        const jwk = findJwk(keys, token.jws.header)
        return { adds: { key: { source: 'jwks', publicKey: importKey(jwk) } }, found: 'the key set' }
      }
      const certificates = withX509('a certificate of the token', () =>
        x5c.map((der) => parseCertificate(der)),
      )
      const { publicKey, subjectText } = certificates[0]!
      return { adds: { key: { source: 'x5c', publicKey, certificates } }, found: subjectText }
    },
  },
  {
    name: 'gcp-confidential-space.chain',
    title: 'The certificate of the key leads to the root of Google, and is valid now',
    needs: ['key'],
    class: 'chain',
    maySkip: true,
    run({ key, roots, input, fields, validUntil }) {
      if (key.source === 'jwks') {
        if (input.trustKeySets === true) throw new Skip('no chain; the key set is the caller’s own')
        throw new Refusal('the token has no chain, and nobody vouches for the key set', 'x5c', 'none')
      }
      const [leaf] = key.certificates as [Certificate]
      const path = withX509('the chain of the token', () =>
        verifyPath(key.certificates, { roots, at: input.at }),
      )
      const { keyUsage = KEY_USAGE.digitalSignature, basicConstraints } = leaf
      if ((keyUsage & KEY_USAGE.digitalSignature) === 0 || basicConstraints?.ca === true)
        throw new Refusal('the certificate is not one to sign tokens with', 'no CA', leaf.subjectText)
      fields['chain_to_root'] = true
      return { adds: { validUntil: earlier(validUntil, path.notAfter) }, found: path.root.subjectText }
    },
  },
  {
    name: 'gcp-confidential-space.signature',
    title: 'The signature covers the token',
    needs: ['token', 'key'],
    class: 'signature',
    run({ token, key, fields }) {
      verifyJws(token.jws, key.publicKey, { algorithms: ['RS256'] })
      fields['signature'] = 'True'
    },
  },
  {
    name: 'gcp-confidential-space.validity',
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
    name: 'gcp-confidential-space.binding',
    title: 'A nonce in it is what was expected',
    needs: ['token'],
    class: 'binding',
    maySkip: true,
    run({ token, input }) {
      const expected = input.expectedReportData
      if (expected === undefined) throw new Skip('nothing to compare with was given')
      if (expected.length === 0) throw new Refusal('the expected nonce is empty', '1 byte or more', '0')
      if (!token.nonces.some((nonce) => equalBytes(utf8(nonce), expected)))
        throw new Refusal('no nonce is the expected one', toHex(expected), token.nonces.join(', ') || 'none')
    },
  },
]

/** Keys of a given key set; the root of Google may lie beside it, and nothing else. @throws Refusal */
function readCollateral(collateral: Collateral, roots: readonly Certificate[]): ReadonlyMap<string, Jwk> {
  let keys: ReadonlyMap<string, Jwk> | undefined
  for (const piece of Object.values(collateral)) {
    if (piece[0] === OPEN_BRACE) {
      if (keys) throw new Refusal('more than one key set was given')
      keys = parseJwks(piece)
      continue
    }
    const ders = piece[0] === 0x30 ? [piece] : certificatesOfPem(fromUtf8(piece))
    for (const der of ders)
      if (!roots.some((root) => equalBytes(root.der, der)))
        throw new Refusal('a certificate is not the root of Google')
    if (ders.length === 0) throw new Refusal('a piece is neither a certificate nor a key set')
  }
  return keys ?? new Map<string, Jwk>()
}

function importKey(jwk: Jwk): PublicKey {
  try {
    return publicKeyOfJwk(jwk)
  } catch (error) {
    throw new Refusal(`the key: ${(error as Error).message}`, undefined, undefined, 'collateral-invalid')
  }
}

/** What a token says, by the names of its header and its claims. */
function tokenFields(token: ConfidentialSpaceToken): Record<string, FieldValue> {
  const { jws, claims, container, supportAttributes } = token
  const names = ['iss', 'aud', 'eat_nonce', 'hwmodel', 'swname', 'swversion', 'dbgstat', 'secboot']
  const { alg, kid, x5c } = jws.header
  return {
    alg,
    kid: kid ?? null,
    x5c: x5c?.length ?? null,
    ...Object.fromEntries(names.map((name) => [name, (claimAt(claims, name) ?? null) as FieldValue])),
    iat: numericDate(claims, 'iat') ?? null,
    exp: numericDate(claims, 'exp') ?? null,
    image_digest: (member(container, 'image_digest') ?? null) as FieldValue,
    support_attributes: supportAttributes ?? null,
    // Until the steps about them say otherwise.
    signature: 'False',
    chain_to_root: false,
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : 'none'
}
