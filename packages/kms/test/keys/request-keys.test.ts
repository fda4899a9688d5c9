import { describe, expect, it } from 'vitest'
import { fromBase64Url } from '@sotto/protocol/bytes'
import { kemById } from '@sotto/protocol/hpke'
import { parseKeyConfig } from '@sotto/protocol/ohttp'
import { createRequestKey } from '../../src/keys/request-keys.ts'

const lifetime = { notBefore: 1, notAfter: 2, destroyAt: 3, idBusyUntil: 4 }

describe('a request key', () => {
  it.each([
    // KEM, then (KDF, AEAD) pairs: RFC 9180 Section 7 and draft-ietf-hpke-pq.
    [
      'X-Wing',
      0x647a,
      [
        [1, 1],
        [1, 3],
      ],
    ],
    [
      'X25519',
      0x0020,
      [
        [1, 1],
        [1, 3],
      ],
    ],
    ['P-384', 0x0011, [[2, 2]]],
  ] as const)('of %s publishes a configuration its private key belongs to', (kem, kemId, algorithms) => {
    const key = createRequestKey(kem, 9, 'a'.repeat(64), lifetime)
    const config = parseKeyConfig(fromBase64Url(key.config))
    expect(config).toMatchObject({ keyId: 9, kemId })
    expect(config.algorithms.map(({ kdfId, aeadId }) => [kdfId, aeadId])).toEqual(algorithms)
    expect(kemById(kemId).importPrivate(key.privateKey).publicKey).toEqual(config.publicKey)
  })
})
