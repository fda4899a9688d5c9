import { crypto } from '@sotto/protocol/crypto-backend'
import { ecdsaDer } from '@sotto/protocol/der-write'

export { ecdsaDer }

/** Noon of 1 January 2026, Unix seconds: the default validity of everything here contains it. */
export const FAKE_NOW = Date.UTC(2026, 0, 1, 12) / 1000

/** Curves that vendors use. */
export type FakeCurve = 'P-256' | 'P-384'

/** A key and how it signs: ECDSA with the hash of its curve's size. */
export interface FakeKey {
  curve: FakeCurve
  publicKey: Uint8Array
  privateKey: Uint8Array
  /** DER, as in X.509. */
  sign(message: Uint8Array): Uint8Array
}

/** Who signs: a name and a key. */
export interface FakeSigner {
  readonly commonName: string
  readonly key: FakeKey
}

/** A new key that has no certificate. */
export function fakeKey(curve: FakeCurve = 'P-256'): FakeKey {
  const { privateKey, publicKey } = crypto.ecdsa.generate(curve)
  const signing = crypto.ecdsa.importPrivate(curve, curve === 'P-256' ? 'sha256' : 'sha384', privateKey)
  return { curve, publicKey, privateKey, sign: (message) => ecdsaDer(signing.sign(message)) }
}
