export { aeadById, type HpkeAead } from './aead.ts'
export { HpkeOpener, HpkeSealer } from './context.ts'
export type { HpkeErrorCode } from './errors.ts'
export { HPKE_AEAD, HPKE_KDF, HPKE_KEM } from './ids.ts'
export { type HpkeKdf, kdfById, type KeyScheduleResult } from './kdf.ts'
export { findKem, kemById } from './kem.ts'
export type {
  Encapsulation,
  HpkeKem,
  InsecureFixedRandomness,
  KemPrivateKey,
  KemPublicKey,
} from './kem-types.ts'
export { NonceSequence } from './nonce.ts'
export {
  type HpkeBaseSetup,
  type HpkeBinding,
  type HpkeRecipientOptions,
  type HpkeSenderOptions,
  HpkeSuite,
} from './suite.ts'
