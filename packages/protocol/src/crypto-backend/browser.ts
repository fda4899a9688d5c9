import { equalBytes } from '../bytes/index.ts'
import { aead } from './browser-aead.ts'
import { dh } from './browser-dh.ts'
import { createHash, hash, hmac, xof } from './browser-hash.ts'
import { mlKem } from './browser-mlkem.ts'
import { randomBytes } from './browser-random.ts'
import { rsa } from './browser-rsa.ts'
import { ecdsa, ed25519 } from './browser-sign.ts'
import { makeHkdf } from './hkdf.ts'
import type { CryptoBackend } from './types.ts'

/** The backend on noble. Synchronous like the other one; only randomness comes from the browser. */
export const crypto: CryptoBackend = {
  name: 'browser',
  randomBytes,
  equal: equalBytes,
  hash,
  sha256: (...parts) => hash('sha256', ...parts),
  sha384: (...parts) => hash('sha384', ...parts),
  sha512: (...parts) => hash('sha512', ...parts),
  createHash,
  xof,
  hmac,
  ...makeHkdf(hmac),
  aead,
  dh,
  mlKem,
  ed25519,
  ecdsa,
  rsa,
}
