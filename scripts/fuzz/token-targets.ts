import { concat, fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { type DsseSigner, signDsse } from '@sotto/protocol/dsse'
import { encodeDocument } from '@sotto/protocol/keyrelease'
import {
  encodeBatchRequest,
  encodeBatchResponse,
  encodeChallenge,
  encodeDirectory,
  encodeToken,
  encodeTokenKey,
  encodeTokenRequest,
  formatAuthorization,
  formatChallenge,
  importTokenKey,
  ISSUER_KEYS_TYPE,
  type IssuerKeys,
  NO_PREVIOUS_ISSUER_KEYS,
  parseAuthorization,
  parseBatchRequest,
  parseBatchResponse,
  parseChallenge,
  parseChallenges,
  parseDirectory,
  parseToken,
  parseTokenKey,
  parseTokenRequest,
  verifyIssuerKeys,
} from '@sotto/protocol/tokens'
import { ownWorld } from './own-documents.ts'
import { parser, type Target } from './target.ts'

const NOW = 1_790_000_000
const fill = (length: number, byte: number): Uint8Array => new Uint8Array(length).fill(byte)
const TOKEN = {
  nonce: fill(32, 7),
  challengeDigest: fill(32, 8),
  keyId: fill(32, 9),
  authenticator: fill(256, 1),
}
const REQUEST = { truncatedKeyId: 9, blindedMessage: fill(256, 7) }
const CHALLENGE = encodeChallenge({
  issuerName: 'issuer.example',
  redemptionContext: fill(32, 7),
  originInfo: 'inference.sotto',
})
const TOKEN_KEY = encodeTokenKey(concat(Uint8Array.of(0x80), fill(254, 7), Uint8Array.of(1)))

/** What issuers, clients and gateways send each other about tokens. */
export const tokenTargets: readonly Target[] = [
  parser('token', () => [encodeToken(TOKEN)], parseToken),
  parser('token request', () => [encodeTokenRequest(REQUEST)], parseTokenRequest),
  parser('token batch', () => [encodeBatchRequest([REQUEST, REQUEST])], parseBatchRequest),
  parser(
    'token batch answer',
    () => [encodeBatchResponse([fill(256, 7), fill(256, 8)])],
    (bytes) => parseBatchResponse(bytes, 2),
  ),
  parser('token challenge', () => [CHALLENGE], parseChallenge),
  parser('token challenge header', challengeHeaders, (bytes) => parseChallenges(fromUtf8(bytes))),
  parser(
    'token authorization',
    () => [utf8(formatAuthorization(TOKEN))],
    (bytes) => parseAuthorization(fromUtf8(bytes)),
  ),
  parser(
    'token key',
    () => [TOKEN_KEY],
    (bytes) => importTokenKey(parseTokenKey(bytes)),
  ),
  parser('issuer directory', directories, parseDirectory),
  parser('issuer keys', statements, readStatement),
]

function challengeHeaders(): Uint8Array[] {
  const one = formatChallenge({ challenge: CHALLENGE, tokenKey: parseTokenKey(TOKEN_KEY) })
  return [utf8(one), utf8(`Basic realm="x", ${one}, ${one}`)]
}

const STATEMENT: IssuerKeys = {
  version: 1,
  issuer: 'issuer.example',
  sequence: 1,
  previous: NO_PREVIOUS_ISSUER_KEYS,
  issuedAt: NOW,
  classes: [
    { name: 'standard', keys: [{ key: toBase64Url(TOKEN_KEY), notBefore: NOW, notAfter: NOW + 1000 }] },
  ],
}

/** Whose mutations are signed too: what is behind the signature is looked at. Known once the seeds are. */
let issuer: DsseSigner | undefined

async function statements(): Promise<Uint8Array[]> {
  issuer = (await ownWorld()).world.signers.kms
  return [encodeDocument(STATEMENT)]
}

function readStatement(payload: Uint8Array): unknown {
  const envelope = fromUtf8(signDsse(ISSUER_KEYS_TYPE, payload, [issuer!]))
  return verifyIssuerKeys(envelope, issuer!.publicKey)
}

async function directories(): Promise<Uint8Array[]> {
  const { world } = await ownWorld()
  const { envelope, index, proof } = world.bundle.keySet
  const key = { className: 'standard', key: parseTokenKey(TOKEN_KEY), notBefore: NOW, notAfter: NOW + 1000 }
  return [encodeDirectory([key], { envelope, index, proof, checkpoint: world.bundle.checkpoint })]
}
