import { toHex } from '@sotto/protocol/bytes'
import type { Input, Name, NamedContract } from '@sotto/protocol/contract'
import type { Digest } from '@sotto/protocol/keyrelease'
import { clientError } from '../../errors.ts'
import { sealingSecrets } from '../../models/owner.ts'
import { type OnBytes, SEALED_CHUNK_BYTES, type SealedContent, sealOnTheWay } from '../../models/seal.ts'
import type { RoomParty } from '../party.ts'
import type { DataContent } from './content.ts'
import { refused } from './source.ts'

/** A sealed input that can be read from any byte on. What reading it throws is that of {@link DataContent}. */
export interface SealedData extends SealedContent {
  genesis: Digest
  contract: Digest
  input: Name
  version: number
  /** Digest of the manifest inside. */
  content: Digest
}

/** What it is sealed for. */
export interface SealDataOptions {
  named: NamedContract
  /** Name of the input that it is. */
  input: Name
  /** 1 to 2^31, higher than that of any statement before. */
  version: number
  /** Told of bytes of content that were sealed to learn the digest; not again while they are read. */
  onBytes?: OnBytes
  signal?: AbortSignal
}

/** Changes whenever the same content would be sealed to other bytes: two ways must not share a key. */
const SEALING = `sotto-room-data-sealing/1 ${SEALED_CHUNK_BYTES}`
const MAX_VERSION = 2 ** 31

/**
 * Seals content as an input of its owner, under a key of that owner that exactly this content has, in this version of
 * this input of this contract. Called again for the same, it gives the same bytes, so that an upload can go on.
 * @throws `ROOM_CONTRACT` the input is not there, or another party's; `ROOM_DATA_SOURCE` the content is not what the
 *   contract says, or changed; `MODEL_SOURCE`
 */
export async function sealData(
  content: DataContent,
  party: RoomParty,
  { named, input: name, version, onBytes, signal }: SealDataOptions,
): Promise<SealedData> {
  if (!Number.isInteger(version) || version < 1 || version > MAX_VERSION)
    throw new RangeError(`a version is 1 to ${MAX_VERSION}`)
  requireAgreed(content, inputOf(named, name, party))
  const { contract, digest } = named
  const { genesis } = contract
  const about = [SEALING, genesis, digest, name, String(version), content.metadata]
  const { id, salt } = sealingSecrets(party, about)
  const sealed = await sealOnTheWay(content, party, {
    id: toHex(id),
    salt,
    ...(signal && { signal }),
    ...(onBytes && { onBytes }),
  })
  return { ...sealed, genesis, contract: digest, input: name, version, content: content.digest }
}

/** The input of that name, which has to be this party's. @throws `ROOM_CONTRACT` */
export function inputOf(
  { contract }: Pick<NamedContract, 'contract'>,
  name: Name,
  party: Pick<RoomParty, 'key'>,
): Input {
  const input = contract.inputs.find((one) => one.name === name)
  if (input === undefined)
    throw clientError('ROOM_CONTRACT', 'the contract has no such input', {
      expected: contract.inputs.map((one) => one.name).join(', '),
      found: name,
    })
  const owner = contract.parties.find((one) => one.name === input.owner)
  if (owner?.key === party.key) return input
  throw clientError('ROOM_CONTRACT', `${name} is another party's input`, {
    expected: `${input.owner} ${owner?.key ?? ''}`,
    found: party.key,
  })
}

function requireAgreed({ manifest, digest }: DataContent, { name, kind, content }: Input): void {
  if (manifest.kind !== kind)
    throw refused(`${name} is another kind of input`, { expected: kind, found: manifest.kind })
  if (content !== undefined && content !== digest)
    throw refused(`${name} is not the content that the parties agreed on`, {
      expected: content,
      found: digest,
      hint: 'The same files have this digest only for the owner and the draft that they were looked at for.',
    })
}
