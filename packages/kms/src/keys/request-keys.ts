import { fromBase64Url, toBase64Url } from '@sotto/protocol/bytes'
import { HPKE_KEM, kemById } from '@sotto/protocol/hpke'
import type { Digest } from '@sotto/protocol/keyrelease'
import { COMPATIBILITY_SUITES, DEFAULT_SUITES, encodeKeyConfig, parseKeyConfig } from '@sotto/protocol/ohttp'
import type { RequestKem, RequestKey } from '../state/index.ts'
import type { KeyLifetime } from './lifetime.ts'

const KEM_IDS: Readonly<Record<RequestKem, number>> = {
  'X-Wing': HPKE_KEM.X_WING,
  X25519: HPKE_KEM.DHKEM_X25519,
  'P-384': HPKE_KEM.DHKEM_P384,
}

const SUITES = [...DEFAULT_SUITES, ...COMPATIBILITY_SUITES]

/** The key encapsulation mechanism of a published configuration; nothing when this KMS makes no such keys. */
export function requestKemOf(config: string): RequestKem | undefined {
  const { kemId } = parseKeyConfig(fromBase64Url(config))
  return (Object.keys(KEM_IDS) as RequestKem[]).find((kem) => KEM_IDS[kem] === kemId)
}

/** Makes one request key pair. The private half leaves this process only wrapped to attested keys. */
export function createRequestKey(
  kem: RequestKem,
  keyId: number,
  policy: Digest,
  lifetime: KeyLifetime,
): RequestKey {
  const kemId = KEM_IDS[kem]
  const pair = kemById(kemId).generate()
  const { notBefore, notAfter, destroyAt } = lifetime
  // Best first: a client takes the first it knows.
  const algorithms = SUITES.filter((suite) => suite.kemId === kemId).map(({ kdfId, aeadId }) => ({
    kdfId,
    aeadId,
  }))
  const config = toBase64Url(encodeKeyConfig({ keyId, kemId, publicKey: pair.publicKey, algorithms }))
  return { keyId, kem, config, policy, notBefore, notAfter, destroyAt, privateKey: pair.export() }
}
