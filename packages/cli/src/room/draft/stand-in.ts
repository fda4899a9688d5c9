import { toBase64Url } from '@sotto/protocol/bytes'
import type { NamedContract, Party } from '@sotto/protocol/contract'
import { type UnixSeconds, WRAP_SUITE } from '@sotto/protocol/keyrelease'
import { contractOf } from './contract.ts'
import type { DraftFiles } from './files.ts'
import type { Draft } from './types.ts'

/** Stands for what only a room knows: no contract has it. */
const NO_DIGEST = '0'.repeat(64)

/**
 * What a draft becomes, as far as it is known without a room: others stand for keys of members, the image and the salt.
 * @throws `ROOM_DRAFT`
 */
export function standInContract(draft: Draft, files: DraftFiles, now: UnixSeconds): NamedContract {
  return contractOf(draft, {
    genesis: NO_DIGEST,
    parties: new Map(draft.parties.map((name, at) => [name, standIn(name, at)])),
    room: [NO_DIGEST],
    salt: toBase64Url(new Uint8Array(32)),
    now,
    files,
  })
}

/** A party of a key that nobody has. */
function standIn(name: string, at: number): Party {
  const filled = (length: number): string => toBase64Url(new Uint8Array(length).fill(at + 1))
  return { name, key: filled(32), sealTo: filled(WRAP_SUITE.kem.publicKeyLength) }
}
