import { concat, uint, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'

const NONCE_LENGTH = 12

/** Where a sealed value belongs; a value moved anywhere else does not open. */
export interface Place {
  storeId: Uint8Array
  table: string
  key: string
  version: number
}

/** Seals and opens the values of one store: AES-256-GCM, random nonce, {@link Place} as AAD. */
export interface Sealer {
  seal(place: Place, value: Uint8Array): Uint8Array
  /** @throws `CRYPTO_OPEN_FAILED` */
  open(place: Place, sealed: Uint8Array): Uint8Array
}

/** @param key 32 bytes derived from the root secret */
export function createSealer(key: Uint8Array): Sealer {
  const aead = crypto.aead('aes-256-gcm', key)
  return {
    seal(place, value) {
      const nonce = crypto.randomBytes(NONCE_LENGTH)
      return concat(nonce, aead.seal(nonce, encodePlace(place), value))
    },
    open(place, sealed) {
      return aead.open(sealed.subarray(0, NONCE_LENGTH), encodePlace(place), sealed.subarray(NONCE_LENGTH))
    },
  }
}

/** Length-delimited, so that no two places have the same bytes. */
function encodePlace({ storeId, table, key, version }: Place): Uint8Array {
  const parts = [storeId, utf8(table), utf8(key), uint(version, 6)]
  return concat(utf8('sotto kms store v1'), ...parts.flatMap((part) => [uint(part.length, 4), part]))
}
