import { equalBytes } from '../bytes/index.ts'
import { aead } from './browser-aead.ts'
import { dh } from './browser-dh.ts'
import { createHash, hash, hmac, xof } from './browser-hash.ts'
import { mlKem } from './browser-mlkem.ts'
import { randomBytes } from './browser-random.ts'
import { rsa } from './browser-rsa.ts'
import { ecdsa, ed25519 } from './browser-sign.ts'
import { verifyTogether } from './browser-together.ts'
import { makeHkdf } from './hkdf.ts'
import type { CryptoBackend, PublicCrypto } from './types.ts'

/** Hashes and signatures. See {@link PublicCrypto}. */
export const publicCrypto: PublicCrypto = {
  name: 'browser',
  equal: equalBytes,
  hash,
  sha256: (...parts) => hash('sha256', ...parts),
  sha384: (...parts) => hash('sha384', ...parts),
  sha512: (...parts) => hash('sha512', ...parts),
  createHash,
  ed25519,
  ecdsa,
  rsa,
  verifyTogether,
}

/** The backend on noble. Synchronous like the other one; only randomness comes from the browser. */
export const crypto: CryptoBackend = /* @__PURE__ */ complete()

function complete(): CryptoBackend {
  return { ...publicCrypto, randomBytes, xof, hmac, ...makeHkdf(hmac), aead, dh, mlKem }
}
