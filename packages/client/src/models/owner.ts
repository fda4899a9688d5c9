import { concat, fromHex, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { DsseSigner } from '@sotto/protocol/dsse'
import { ownerTag } from '@sotto/protocol/sealed-models'

/** An owner of models: whoever holds this key. It signs what is said about the models, and all content keys come from it. */
export interface ModelOwner {
  /** Public, base64url: what the operator has to admit. */
  readonly key: string
  /** The owner's part of names: `<tag>/<name>`. */
  readonly tag: string
  readonly signer: DsseSigner
  /**
   * Content key of one artifact. Derived, so that no file of content keys lies about: HKDF-SHA256 of the seed with the
   * artifact id as salt. Nobody can tell one from another, or the seed from any of them.
   */
  contentKey(artifact: string): Uint8Array
}

/** Makes an owner of an Ed25519 seed, 32 bytes. @throws `CRYPTO_BAD_KEY` */
export function modelOwner(secretSeed: Uint8Array): ModelOwner {
  const { publicKey } = crypto.ed25519.importPrivate(secretSeed)
  return {
    key: toBase64Url(publicKey),
    tag: ownerTag(publicKey),
    signer: { secretSeed, publicKey },
    contentKey: (artifact) => derive(secretSeed, 'content key', fromHex(artifact), 32),
  }
}

/**
 * Id and salt of what is sealed on its way, the same for the same model: an upload can then go on after anything.
 * @param about everything that the sealed bytes depend on besides the owner: content by its digests, and how it is cut
 */
export function sealingSecrets(
  { signer: { secretSeed } }: ModelOwner,
  about: readonly string[],
): { id: Uint8Array; salt: Uint8Array } {
  const digest = crypto.sha256(...about.flatMap((text) => [crypto.sha256(utf8(text))]))
  const bytes = derive(secretSeed, 'sealing', digest, 48)
  return { id: bytes.subarray(0, 16), salt: bytes.subarray(16) }
}

function derive(secretSeed: Uint8Array, purpose: string, context: Uint8Array, length: number): Uint8Array {
  const info = concat(utf8(`sotto-model-owner-v1 ${purpose}\0`), context)
  return crypto.hkdf('sha256', utf8('sotto-model-owner-v1'), secretSeed, info, length)
}
