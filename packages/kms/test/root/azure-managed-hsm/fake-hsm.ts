import { constants, createCipheriv, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto'
import { concat, fromUtf8, toBase64Url, toHex, utf8 } from '@sotto/protocol/bytes'
import { type FakeMaa, fakeRsaKey, rsaCertificate, signJws } from '@sotto/testkit/tokens'
import { FAKE_NOW } from '@sotto/testkit/x509'
import { parseMaaToken, verifyAzureMaa } from '@sotto/verifier/maa'
import { Refusal } from './fake-attestation.ts'

/** One version of a key. */
export interface HsmVersion {
  kty: string
  material: Uint8Array
  policy: object
  immutable?: unknown
}

/** What a release says, before it is signed; a test changes it. */
export interface ReleaseAnswer {
  request: Record<string, unknown>
  response: { key: { key: Record<string, unknown>; attributes: object; release_policy?: unknown } }
}

/** What goes wrong with an answer. */
export interface HsmFaults {
  answer?: (answer: ReleaseAnswer) => void
  /** Wraps to another key than that of the token. */
  wrapTo?: { n: string; e: string }
  wrapped?: (wrapped: Uint8Array) => Uint8Array
  value?: (jws: string) => unknown
}

interface Condition {
  claim: string
  equals: unknown
}

const signer = fakeRsaKey()
const certificate = rsaCertificate({ key: signer, commonName: 'sotto.managedhsm.azure.net' })

/**
 * Secure key release as the API of Managed HSM describes it: verifies the token with our verifier, judges its claims
 * by the policy of the key, wraps to the key that the token vouches for, and takes no nonce twice.
 */
export class FakeHsm {
  readonly versions = new Map<string, HsmVersion>()
  readonly faults: HsmFaults = {}
  readonly nonces = new Set<string>()
  /** Bodies of releases, in order. */
  readonly asked: Uint8Array[] = []
  readonly #maa: FakeMaa
  /** When tokens are judged; a test moves it. */
  now = FAKE_NOW

  constructor(maa: FakeMaa) {
    this.#maa = maa
  }

  release(url: URL, vaultUrl: string, body: Uint8Array): { value: unknown } {
    const [, keys, name, version, verb] = url.pathname.split('/')
    const key = this.versions.get(`${name}/${version}`)
    if (keys !== 'keys' || verb !== 'release' || key === undefined) throw new Refusal(404, 'KeyNotFound')
    if (!/^(?:7\.\d|20\d\d-\d\d-\d\d)$/.test(url.searchParams.get('api-version') ?? ''))
      throw new Refusal(400, 'BadParameter')
    this.asked.push(body)
    const { target, enc, nonce } = JSON.parse(fromUtf8(body)) as Record<string, string>
    if (enc !== 'CKM_RSA_AES_KEY_WRAP' || nonce === undefined) throw new Refusal(400, 'BadParameter')
    if (this.nonces.has(nonce)) throw new Refusal(403, 'Replay')
    this.nonces.add(nonce)
    const claims = this.#judge(utf8(target!), key.policy)
    const kid = `${vaultUrl}/keys/${name}/${version}`
    const wrapped = wrap(key.material, this.faults.wrapTo ?? encryptionKeyOf(claims))
    const ciphertext = toBase64Url(this.faults.wrapped?.(wrapped) ?? wrapped)
    const blob = { schema_version: '1.0.0', header: { kid: 'TpmKey', alg: 'dir', enc }, ciphertext }
    const answer: ReleaseAnswer = {
      request: { 'api-version': '7.5', enc, kid, nonce },
      response: {
        key: {
          key: { kid, kty: key.kty, key_ops: ['encrypt'], key_hsm: toBase64Url(utf8(JSON.stringify(blob))) },
          attributes: { enabled: true, exportable: true },
          release_policy: {
            contentType: 'application/json; charset=utf-8',
            data: toBase64Url(utf8(JSON.stringify(key.policy))),
            immutable: key.immutable ?? true,
          },
        },
      },
    }
    this.faults.answer?.(answer)
    const x5c = [Buffer.from(certificate).toString('base64')]
    const jws = fromUtf8(signJws(signer, { alg: 'RS256', typ: 'JWT', kid: 'hsm', x5c }, answer))
    return { value: this.faults.value?.(jws) ?? jws }
  }

  #judge(token: Uint8Array, policy: object): Record<string, unknown> {
    const verdict = verifyAzureMaa({
      evidence: token,
      collateral: { keys: this.#maa.jwks() },
      trustKeySets: true,
      at: this.now,
      policy: { issuers: [this.#maa.issuer], allowDebug: true },
    })
    if (!verdict.acceptable) throw new Refusal(403, `Token_${verdict.reason}`)
    const { claims, issuer } = parseMaaToken(token)
    const { anyOf } = policy as { anyOf: { authority: string; allOf: Condition[] }[] }
    const isAdmitted = anyOf.some(
      ({ authority, allOf }) =>
        authority === issuer && allOf.every(({ claim, equals }) => String(claims[claim]) === String(equals)),
    )
    if (!isAdmitted) throw new Refusal(403, 'Forbidden.ReleasePolicy')
    return claims
  }
}

function encryptionKeyOf(claims: Record<string, unknown>): { n: string; e: string } {
  const { keys } = claims['x-ms-runtime'] as { keys: { n: string; e: string; key_ops: string[] }[] }
  const key = keys.find(({ key_ops }) => key_ops.includes('encrypt'))
  if (key === undefined) throw new Refusal(400, 'NoKey')
  return key
}

/** CKM_RSA_AES_KEY_WRAP. */
export function wrap(material: Uint8Array, { n, e }: { n: string; e: string }): Uint8Array {
  const key = createPublicKey({ key: { kty: 'RSA', n, e }, format: 'jwk' })
  const kek = randomBytes(32)
  const cipher = createCipheriv('id-aes256-wrap-pad', kek, Buffer.from('a65959a6', 'hex'))
  const oaep = { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' }
  return concat(publicEncrypt(oaep, kek), cipher.update(material), cipher.final())
}

/** The policy that admits one program with one configuration. */
export function policyFor(authority: string, measurement: string, hostData: string): object {
  const allOf = [
    { claim: 'x-ms-attestation-type', equals: 'sevsnpvm' },
    { claim: 'x-ms-sevsnpvm-is-debuggable', equals: 'false' },
    { claim: 'x-ms-sevsnpvm-launchmeasurement', equals: measurement },
    { claim: 'x-ms-sevsnpvm-hostdata', equals: hostData },
  ]
  return { version: '1.0.0', anyOf: [{ authority, allOf }] }
}

export const newVersion = (): string => toHex(new Uint8Array(randomBytes(16)))
