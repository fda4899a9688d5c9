import { toBase64Url, utf8 } from '@sotto/protocol/bytes'
import type { Party } from '@sotto/protocol/contract'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { KemPrivateKey } from '@sotto/protocol/hpke'
import { WRAP_SUITE } from '@sotto/protocol/keyrelease'
import { type ModelOwner, modelOwner } from '../models/owner.ts'

/** Somebody who takes part in clean rooms: an owner, with a key that results are sealed to. */
export interface RoomParty extends ModelOwner {
  /** X-Wing, derived from the same seed: one file is all that a party has to keep. */
  readonly sealing: KemPrivateKey
  /** As a contract names it. */
  as(name: string): Party
}

const SEALING = utf8('sotto-room-party-v1 sealing')

/** Makes a party of an Ed25519 seed, 32 bytes. @throws `CRYPTO_BAD_KEY` */
export function roomParty(secretSeed: Uint8Array): RoomParty {
  const owner = modelOwner(secretSeed)
  const sealing = WRAP_SUITE.kem.importPrivate(
    crypto.hkdf('sha256', utf8('sotto-room-party-v1'), secretSeed, SEALING, 32),
  )
  return {
    ...owner,
    sealing,
    as: (name) => ({ name, key: owner.key, sealTo: toBase64Url(sealing.publicKey) }),
  }
}
