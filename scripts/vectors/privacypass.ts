import { fromHex, fromUtf8, toHex } from '@sotto/protocol/bytes'
import {
  challengeDigest,
  encodeBatchRequest,
  encodeBatchResponse,
  encodeChallenge,
  encodeToken,
  encodeTokenInput,
  encodeTokenRequest,
  importTokenKey,
  parseBatchRequest,
  parseChallenge,
  parseChallenges,
  parseToken,
  parseTokenKey,
  parseTokenRequest,
  parseTokenResponse,
  prepareToken,
  verifyToken,
} from '@sotto/protocol/tokens'
import {
  expectEqual,
  expectHex,
  expectRefused,
  perFile,
  unknownShape,
  type VectorCase,
  type VectorFamily,
} from './harness.ts'
import { signAsIssuer } from './issuer-half.ts'

type Run = VectorCase['run']
type Fields = Record<string, string>

/** RFC 9577 and RFC 9578: token type 2 whole; other types must be refused and not misunderstood. */
export const privacypass: VectorFamily = perFile('transport/privacypass', function* (file) {
  for (const [index, vector] of (JSON.parse(file.text) as Record<string, unknown>[]).entries()) {
    const name = `${index + 1}`
    if ('WWW-Authenticate' in vector) yield [name, () => checkHeader(vector)]
    else if ('token_authenticator_input' in vector) yield [name, () => checkToken(vector as Fields)]
    else if ('issuance' in vector) yield* batch(name, vector as unknown as Batch)
    else if ('token_request' in vector) yield [name, issuance(vector as Fields)]
    else yield unknownShape(Object.keys(vector).join(', '))
  }
})

function checkHeader(vector: Record<string, unknown>): void {
  const types = [0, 1].filter((index) => vector[`token-type-${index}`] === 2)
  const offered = parseChallenges(vector['WWW-Authenticate'] as string)
  expectEqual('offered challenges of type 2', offered.length, types.length)
  for (const [at, index] of types.entries()) {
    expectHex('challenge', offered[at]!.challenge, vector[`token-challenge-${index}`] as string)
    expectHex('token key', offered[at]!.tokenKey!.spki, vector[`token-key-${index}`] as string)
  }
}

function checkToken(vector: Fields): void {
  const challenge = encodeChallenge({
    issuerName: textOf(vector['issuer_name']!),
    redemptionContext: fromHex(vector['redemption_context']!),
    originInfo: textOf(vector['origin_info']!),
  })
  const input = encodeTokenInput({
    nonce: fromHex(vector['nonce']!),
    challengeDigest: challengeDigest(challenge),
    keyId: fromHex(vector['token_key_id']!),
  })
  expectHex('token authenticator input', input, vector['token_authenticator_input']!)
}

function issuance(vector: Fields): Run {
  const isOurs = vector['token_request']!.startsWith('0002')
  return isOurs ? () => checkIssuance(vector) : () => refuseOther(vector)
}

function checkIssuance(vector: Fields): void {
  const key = parseTokenKey(fromHex(vector['pkS']!))
  const challenge = fromHex(vector['token_challenge']!)
  parseChallenge(challenge)
  const pending = prepareToken(key, challenge, {
    nonce: fromHex(vector['nonce']!),
    salt: fromHex(vector['salt']!),
    blindingFactor: fromHex(vector['blind']!),
  })
  const request = { truncatedKeyId: key.id.at(-1)!, blindedMessage: pending.blindedMessage }
  expectHex('token request', encodeTokenRequest(request), vector['token_request']!)
  expectEqual('parsed again', parseTokenRequest(fromHex(vector['token_request']!)), request)
  const response = fromHex(vector['token_response']!)
  const signed = signAsIssuer(textOf(vector['skS']!), key.modulus, pending.blindedMessage) ?? response
  expectHex('token response', parseTokenResponse(signed), vector['token_response']!)
  const token = pending.finish(signed)
  expectHex('token', encodeToken(token), vector['token']!)
  if (!verifyToken(parseToken(fromHex(vector['token']!)), importTokenKey(key)))
    throw new Error('the token does not verify')
}

/** Token type 1 needs the issuer's private key to be verified: we have none of it. */
function refuseOther(vector: Fields): 'by design' {
  expectRefused(
    'a challenge of another type',
    () => parseChallenge(fromHex(vector['token_challenge']!)),
    'TOKEN_MALFORMED',
  )
  expectRefused(
    'a request of another type',
    () => parseTokenRequest(fromHex(vector['token_request']!)),
    'TOKEN_MALFORMED',
  )
  expectRefused('a token of another type', () => parseToken(fromHex(vector['token']!)), 'TOKEN_MALFORMED')
  return 'by design'
}

interface Batch {
  issuance: Fields[]
  token_request: string
  token_response: string
}

/** Batches of the draft mix types, which we refuse; what they hold of type 2 must be ours, byte for byte. */
function* batch(name: string, vector: Batch): Generator<[string, Run]> {
  const ours = vector.issuance.filter((one) => one['token_type'] === '0002')
  yield [
    `${name}, mixed types`,
    () => {
      expectRefused(
        'a batch of several types',
        () => parseBatchRequest(fromHex(vector.token_request)),
        'TOKEN_MALFORMED',
      )
      return 'by design'
    },
  ]
  for (const one of ours) {
    yield [
      `${name}, its token of type 2`,
      () => {
        const key = parseTokenKey(fromHex(one['pkS']!))
        const pending = prepareToken(key, fromHex(one['token_challenge']!), {
          nonce: fromHex(one['nonce']!),
          salt: fromHex(one['salt']!),
          blindingFactor: fromHex(one['blind']!),
        })
        const request = encodeBatchRequest([
          { truncatedKeyId: key.id.at(-1)!, blindedMessage: pending.blindedMessage },
        ])
        requireInside('request', vector.token_request, request.subarray(2))
        const signed = signAsIssuer(textOf(one['skS']!), key.modulus, pending.blindedMessage)
        // The draft shows the blind signature nowhere but inside the answer.
        if (signed !== undefined) {
          requireInside('response', vector.token_response, encodeBatchResponse([signed]).subarray(2))
          expectHex('token', encodeToken(pending.finish(signed)), one['token']!)
        }
        if (!verifyToken(parseToken(fromHex(one['token']!)), importTokenKey(key)))
          throw new Error('the token does not verify')
      },
    ]
  }
}

function requireInside(what: string, whole: string, part: Uint8Array): void {
  if (!whole.includes(toHex(part))) throw new Error(`the ${what} does not hold ours`)
}

/** Text, a name or PEM, that the vectors write in hexadecimal. */
function textOf(hex: string): string {
  return fromUtf8(fromHex(hex))
}
