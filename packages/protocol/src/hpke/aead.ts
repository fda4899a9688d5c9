import type { AeadName } from '../crypto-backend/index.ts'
import { unsupported } from './errors.ts'
import { HPKE_AEAD } from './ids.ts'

/** Parameters of an AEAD; `name` is undefined for the export-only identifier. */
export interface HpkeAead {
  readonly id: number
  readonly name: AeadName | undefined
  /** Nk in bytes. */
  readonly keyLength: number
  /** Nn in bytes. */
  readonly nonceLength: number
}

const AEADS: readonly HpkeAead[] = [
  { id: HPKE_AEAD.AES_128_GCM, name: 'aes-128-gcm', keyLength: 16, nonceLength: 12 },
  { id: HPKE_AEAD.AES_256_GCM, name: 'aes-256-gcm', keyLength: 32, nonceLength: 12 },
  { id: HPKE_AEAD.CHACHA20_POLY1305, name: 'chacha20-poly1305', keyLength: 32, nonceLength: 12 },
  { id: HPKE_AEAD.EXPORT_ONLY, name: undefined, keyLength: 0, nonceLength: 0 },
]

/** AEAD of an identifier. @throws `HPKE_UNSUPPORTED` */
export function aeadById(id: number): HpkeAead {
  const aead = AEADS.find((one) => one.id === id)
  if (aead === undefined) throw unsupported('AEAD', id)
  return aead
}
