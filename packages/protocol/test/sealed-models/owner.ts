import { fromHex, toBase64Url } from '@sotto/protocol/bytes'
import { publicCrypto } from '@sotto/protocol/crypto-backend'
import type { DsseSigner } from '@sotto/protocol/dsse'
import type { ModelRemoval, ModelStatement, UploadIntent } from '@sotto/protocol/sealed-models'

export const GENESIS = 'ab'.repeat(32)

/** An owner from a fixed seed. */
export function owner(seed = 1): DsseSigner & { name: string } {
  const secretSeed = new Uint8Array(32).fill(seed)
  const { publicKey } = publicCrypto.ed25519.importPrivate(secretSeed)
  return { secretSeed, publicKey, name: toBase64Url(publicKey) }
}

export function statement(change: Partial<ModelStatement> = {}): ModelStatement {
  return {
    format: 'sotto-model-statement/1',
    genesis: GENESIS,
    owner: owner().name,
    name: 'notes-7b',
    version: 3,
    artifact: 'cd'.repeat(16),
    digest: '12'.repeat(32),
    bytes: 123_456,
    model: '34'.repeat(32),
    task: 'text-generation',
    policy: '56'.repeat(32),
    createdAt: 1_790_000_000,
    ...change,
  }
}

export function removal(change: Partial<ModelRemoval> = {}): ModelRemoval {
  const { genesis, owner: key, name, version, createdAt } = statement()
  return { format: 'sotto-model-removal/1', genesis, owner: key, name, version, createdAt, ...change }
}

export function intent(change: Partial<UploadIntent> = {}): UploadIntent {
  const { genesis, owner: key, digest, bytes, createdAt } = statement()
  return { format: 'sotto-model-upload/1', genesis, owner: key, digest, bytes, createdAt, ...change }
}

/** The key of RFC 8032 Section 7.1, test 1: a public key that others can check a tag against. */
export const RFC_KEY: Uint8Array = fromHex('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a')
