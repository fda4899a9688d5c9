import { integer, octets, oid, sequence } from '@sotto/protocol/der-write'
import { DerReader, TAG } from '@sotto/protocol/der'
import { derToPem, pemToDer } from '@sotto/protocol/x509'
import { clientError } from '../errors.ts'

/** id-Ed25519 (RFC 8410 Section 3). */
const ED25519 = '1.3.101.112'
const LABEL = 'PRIVATE KEY'
/** An unencrypted Ed25519 key has about 120 bytes, with attributes somewhat more. */
const MAX_PEM_CHARACTERS = 4096

/** An owner's key as a file: Ed25519, PKCS#8 PEM, as `openssl genpkey` writes it. @param secretSeed 32 bytes */
export function ownerKeyPem(secretSeed: Uint8Array): string {
  const der = sequence(integer(new Uint8Array(1)), sequence(oid(ED25519)), octets(octets(secretSeed)))
  return derToPem(der, LABEL)
}

/**
 * The seed in an owner's key file (RFC 8410 Section 7). Whoever wrote the file controls it. Nothing of it is in the error.
 * @throws `MODEL_OWNER` encrypted, of another kind, or no key
 */
export function parseOwnerKey(pem: string): Uint8Array {
  const seed = pem.length > MAX_PEM_CHARACTERS ? undefined : seedIn(pem)
  if (seed !== undefined) return seed
  throw clientError('MODEL_OWNER', 'this is not the key of an owner', { expected: 'Ed25519, PKCS#8 PEM' })
}

function seedIn(pem: string): Uint8Array | undefined {
  try {
    const key = new DerReader(pemToDer(pem, LABEL)).enter(TAG.SEQUENCE)
    // 1 where the public key stands behind it (RFC 5958 Section 2).
    key.smallInteger(1)
    const algorithm = key.enter(TAG.SEQUENCE)
    if (algorithm.oid() !== ED25519) return undefined
    algorithm.end()
    const inner = new DerReader(key.octetString())
    const seed = inner.octetString()
    inner.end()
    return seed.length === 32 ? seed.slice() : undefined
  } catch {
    // Without the cause: it may quote the key.
    return undefined
  }
}
