import { concat, toBase64Url, uint } from '@sotto/protocol/bytes'
import { HPKE_AEAD, HPKE_KDF, HPKE_KEM, kemById } from '@sotto/protocol/hpke'
import type { Digest } from '@sotto/protocol/keyrelease'
import type { RequestKem, RequestKey } from '../state/index.ts'
import type { KeyLifetime } from './lifetime.ts'

const KEM_IDS: Readonly<Record<RequestKem, number>> = {
  'X-Wing': HPKE_KEM.X_WING,
  X25519: HPKE_KEM.DHKEM_X25519,
}

/** Symmetric suites of every key, best first. */
const SYMMETRIC = [
  [HPKE_KDF.HKDF_SHA256, HPKE_AEAD.AES_128_GCM],
  [HPKE_KDF.HKDF_SHA256, HPKE_AEAD.CHACHA20_POLY1305],
] as const

/** Makes one request key pair. The private half leaves this process only wrapped to attested keys. */
export function createRequestKey(
  kem: RequestKem,
  keyId: number,
  policy: Digest,
  lifetime: KeyLifetime,
): RequestKey {
  const pair = kemById(KEM_IDS[kem]).generate()
  const { notBefore, notAfter, destroyAt } = lifetime
  const config = toBase64Url(encodeKeyConfig(keyId, KEM_IDS[kem], pair.publicKey))
  return { keyId, kem, config, policy, notBefore, notAfter, destroyAt, privateKey: pair.export() }
}

/** Key configuration, RFC 9458 Section 3.1. */
function encodeKeyConfig(keyId: number, kemId: number, publicKey: Uint8Array): Uint8Array {
  const suites = concat(...SYMMETRIC.map(([kdf, aead]) => concat(uint(kdf, 2), uint(aead, 2))))
  return concat(uint(keyId, 1), uint(kemId, 2), publicKey, uint(suites.length, 2), suites)
}
