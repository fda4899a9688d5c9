import { timingSafeEqual } from 'node:crypto'
import { makeHkdf } from './hkdf.ts'
import { aead } from './node-aead.ts'
import { dh } from './node-dh.ts'
import { createHash, hash, hmac, xof } from './node-hash.ts'
import { mlKem } from './node-mlkem.ts'
import { randomBytes } from './node-random.ts'
import { rsa } from './node-rsa.ts'
import { ecdsa, ed25519 } from './node-sign.ts'
import type { CryptoBackend, PublicCrypto } from './types.ts'

/** Hashes and signatures. See {@link PublicCrypto}. */
export const publicCrypto: PublicCrypto = {
  name: 'node',
  equal: (a, b) => a.length === b.length && timingSafeEqual(a, b),
  hash,
  sha256: (...parts) => hash('sha256', ...parts),
  sha384: (...parts) => hash('sha384', ...parts),
  sha512: (...parts) => hash('sha512', ...parts),
  createHash,
  ed25519,
  ecdsa,
  rsa,
  // OpenSSL verifies one sooner than another thread would hear of it.
  verifyTogether: async (judge) => judge(),
}

/** The backend on node:crypto. */
export const crypto: CryptoBackend = /* @__PURE__ */ complete()

function complete(): CryptoBackend {
  return { ...publicCrypto, randomBytes, xof, hmac, ...makeHkdf(hmac), aead, dh, mlKem }
}
