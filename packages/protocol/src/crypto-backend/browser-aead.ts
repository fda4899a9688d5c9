import { gcm } from '@noble/ciphers/aes.js'
import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { concat } from '../bytes/index.ts'
import { badInput, openFailed, requireKeyLength } from './errors.ts'
import { AEAD_NONCE_LENGTH, AEAD_TAG_LENGTH, type AeadKey, type AeadName } from './types.ts'

const KEY_LENGTH: Record<AeadName, number> = { 'aes-128-gcm': 16, 'aes-256-gcm': 32, 'chacha20-poly1305': 32 }

/** Prepares an AEAD key. noble has no incremental AEAD, so long messages are held until `final`. */
export function aead(name: AeadName, rawKey: Uint8Array): AeadKey {
  requireKeyLength(`${name} key`, rawKey, KEY_LENGTH[name])
  const key = new Uint8Array(rawKey)
  const cipher = name === 'chacha20-poly1305' ? chacha20poly1305 : gcm

  const seal: AeadKey['seal'] = (nonce, aad, plaintext) => {
    requireNonce(nonce)
    return cipher(key, nonce, aad).encrypt(plaintext)
  }
  const open: AeadKey['open'] = (nonce, aad, sealed) => {
    requireNonce(nonce)
    if (sealed.length < AEAD_TAG_LENGTH) throw openFailed()
    try {
      return cipher(key, nonce, aad).decrypt(sealed)
    } catch {
      throw openFailed()
    }
  }
  return {
    name,
    seal,
    sealParts: (nonce, aad, plaintext) => [seal(nonce, aad, plaintext)],
    open,
    openAside: async (nonce, aad, sealed) => open(nonce, aad, sealed),
    sealer(nonce, aad) {
      const parts: Uint8Array[] = []
      return {
        update(part) {
          parts.push(new Uint8Array(part))
          return []
        },
        final: () => [seal(nonce, aad, concat(...parts))],
      }
    },
    opener(nonce, aad) {
      const parts: Uint8Array[] = []
      return {
        update: (part) => void parts.push(new Uint8Array(part)),
        final(tag) {
          if (tag.length !== AEAD_TAG_LENGTH) throw openFailed()
          return [open(nonce, aad, concat(...parts, tag))]
        },
      }
    },
  }
}

function requireNonce(nonce: Uint8Array): void {
  if (nonce.length === AEAD_NONCE_LENGTH) return
  throw badInput('AEAD nonce has the wrong length', {
    expected: `${AEAD_NONCE_LENGTH} bytes`,
    found: `${nonce.length}`,
  })
}
