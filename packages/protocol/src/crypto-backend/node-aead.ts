import {
  type CipherGCM,
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  type DecipherGCM,
  type KeyObject,
  subtle,
  type webcrypto,
} from 'node:crypto'
import { badInput, openFailed, requireKeyLength } from './errors.ts'
import { plain } from './node-hash.ts'
import {
  AEAD_NONCE_LENGTH,
  AEAD_TAG_LENGTH,
  type AeadKey,
  type AeadName,
  type AeadOpener,
  type AeadSealer,
} from './types.ts'

/**
 * OpenSSL runs three times faster on pieces that stay in the cache than on one 25 MiB call. With
 * pieces of this size the allocator also reuses memory instead of mapping fresh pages for every output.
 */
const SLICE_LENGTH = 64 * 1024

// Node makes a buffer of its own for every short array it is given; views of this one it has.
const scratch = new Uint8Array(256)
const nonceView = scratch.subarray(0, AEAD_NONCE_LENGTH)
const keyViews = { 16: scratch.subarray(64, 80), 32: scratch.subarray(64, 96) } as Record<number, Uint8Array>

const TAG = { authTagLength: AEAD_TAG_LENGTH }
const KEY_LENGTH: Record<AeadName, number> = { 'aes-128-gcm': 16, 'aes-256-gcm': 32, 'chacha20-poly1305': 32 }

/** Prepares an AEAD key. */
export function aead(name: AeadName, rawKey: Uint8Array): AeadKey {
  requireKeyLength(`${name} key`, rawKey, KEY_LENGTH[name])
  const view = keyViews[rawKey.length]!
  view.set(rawKey)
  const key = createSecretKey(view)
  view.fill(0)
  return new NodeAeadKey(name, key)
}

class NodeAeadKey implements AeadKey {
  readonly name: AeadName
  readonly #key: KeyObject
  #asideKey: webcrypto.CryptoKey | undefined

  constructor(name: AeadName, key: KeyObject) {
    this.name = name
    this.#key = key
  }

  seal(nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array {
    const cipher = this.#encrypt(nonce, aad)
    const out = new Uint8Array(plaintext.length + AEAD_TAG_LENGTH)
    let offset = 0
    for (const slice of slices(plaintext)) {
      out.set(cipher.update(slice), offset)
      offset += slice.length
    }
    cipher.final()
    out.set(cipher.getAuthTag(), offset)
    return out
  }

  sealParts(nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array[] {
    const cipher = this.#encrypt(nonce, aad)
    const out: Uint8Array[] = []
    for (const slice of slices(plaintext)) out.push(plain(cipher.update(slice)))
    cipher.final()
    out.push(plain(cipher.getAuthTag()))
    return out
  }

  open(nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array {
    const length = sealed.length - AEAD_TAG_LENGTH
    if (length < 0) throw openFailed()
    const decipher = this.#decrypt(nonce, aad)
    decipher.setAuthTag(sealed.subarray(length))
    let out: Uint8Array
    if (length <= SLICE_LENGTH) {
      out = length === 0 ? new Uint8Array(0) : plain(decipher.update(sealed.subarray(0, length)))
    } else {
      out = new Uint8Array(length)
      let offset = 0
      for (const slice of slices(sealed.subarray(0, length))) {
        out.set(decipher.update(slice), offset)
        offset += slice.length
      }
    }
    verify(decipher)
    return out
  }

  async openAside(nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Promise<Uint8Array> {
    // Node's ChaCha20 outside the caller's thread is newer than what clients may have.
    if (this.name === 'chacha20-poly1305') return this.open(nonce, aad, sealed)
    requireNonce(nonce)
    if (sealed.length < AEAD_TAG_LENGTH) throw openFailed()
    this.#asideKey ??= this.#key.toCryptoKey({ name: 'AES-GCM' }, false, ['decrypt'])
    const algorithm = {
      name: 'AES-GCM',
      iv: nonce as BufferSource,
      additionalData: aad as BufferSource,
      tagLength: AEAD_TAG_LENGTH * 8,
    }
    try {
      return new Uint8Array(await subtle.decrypt(algorithm, this.#asideKey, sealed as BufferSource))
    } catch {
      throw openFailed()
    }
  }

  sealer(nonce: Uint8Array, aad: Uint8Array): AeadSealer {
    const cipher = this.#encrypt(nonce, aad)
    return {
      update(part) {
        const out: Uint8Array[] = []
        for (const slice of slices(part)) out.push(plain(cipher.update(slice)))
        return out
      },
      final() {
        cipher.final()
        return [plain(cipher.getAuthTag())]
      },
    }
  }

  opener(nonce: Uint8Array, aad: Uint8Array): AeadOpener {
    const decipher = this.#decrypt(nonce, aad)
    const out: Uint8Array[] = []
    return {
      update(part) {
        for (const slice of slices(part)) out.push(plain(decipher.update(slice)))
      },
      final(tag) {
        if (tag.length !== AEAD_TAG_LENGTH) throw openFailed()
        decipher.setAuthTag(tag)
        verify(decipher)
        return out
      },
    }
  }

  #encrypt(nonce: Uint8Array, aad: Uint8Array): CipherGCM {
    requireNonce(nonce)
    nonceView.set(nonce)
    const cipher = createCipheriv(this.name as 'aes-128-gcm', this.#key, nonceView, TAG)
    if (aad.length > 0) cipher.setAAD(aad)
    return cipher
  }

  #decrypt(nonce: Uint8Array, aad: Uint8Array): DecipherGCM {
    requireNonce(nonce)
    nonceView.set(nonce)
    const decipher = createDecipheriv(this.name as 'aes-128-gcm', this.#key, nonceView, TAG)
    if (aad.length > 0) decipher.setAAD(aad)
    return decipher
  }
}

function requireNonce(nonce: Uint8Array): void {
  if (nonce.length === AEAD_NONCE_LENGTH) return
  throw badInput('AEAD nonce has the wrong length', {
    expected: `${AEAD_NONCE_LENGTH} bytes`,
    found: `${nonce.length}`,
  })
}

function verify(decipher: DecipherGCM): void {
  try {
    decipher.final()
  } catch {
    throw openFailed()
  }
}

function* slices(bytes: Uint8Array): Generator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += SLICE_LENGTH) {
    yield bytes.length <= SLICE_LENGTH ? bytes : bytes.subarray(offset, offset + SLICE_LENGTH)
  }
}
