import { fromUtf8 } from '@sotto/protocol/bytes'
import { type DataStatement, signPartyDocument } from '@sotto/protocol/contract'
import { signDsse } from '@sotto/protocol/dsse'
import {
  type ArtifactKeyImport,
  artifactImportInfo,
  encodeDocument,
  PAYLOAD_TYPES,
  wrapSecret,
} from '@sotto/protocol/keyrelease'
import type { TrustedService } from '@sotto/verifier'
import { clientError } from '../../errors.ts'
import type { RoomParty } from '../party.ts'
import type { SealedData } from './seal.ts'

/** What the documents are about: sealed data, whose bytes may be anywhere. */
export type StatedData = Omit<SealedData, 'read'>

/** "These sealed bytes are our input." @param at Unix seconds @returns its envelope */
export function signDataStatement(sealed: StatedData, party: RoomParty, at: number): string {
  const { genesis, contract, input, version } = sealed
  const statement: DataStatement = {
    format: 'sotto-contract-data/1',
    genesis,
    contract,
    input,
    artifact: sealed.id,
    sealed: sealed.digest,
    bytes: sealed.bytes,
    content: sealed.content,
    version,
    at,
  }
  return signPartyDocument('data', statement, party.signer)
}

/**
 * The content key on its way to the KMS, which gives it to runs of the contract and to nobody else. It is wrapped to the
 * import key of the KMS's verified evidence.
 * @param createdAt Unix seconds: a KMS takes no earlier one of the same data afterwards
 * @returns its envelope
 * @throws `ROOM_CONTRACT` the contract is meant for another KMS
 */
export function signDataImport(
  { id: artifact, genesis, contract }: StatedData,
  party: RoomParty,
  service: Pick<TrustedService, 'genesis' | 'importKey' | 'keyPolicyDigest'>,
  createdAt: number,
): string {
  if (service.genesis !== genesis)
    throw clientError('ROOM_CONTRACT', 'the contract is meant for another KMS', {
      expected: service.genesis,
      found: genesis,
    })
  const about = { genesis, artifact, owner: party.key, policy: service.keyPolicyDigest }
  const contentKey = party.contentKey(artifact)
  try {
    const document: ArtifactKeyImport = {
      version: 1,
      ...about,
      contract,
      createdAt,
      ...wrapSecret(service.importKey, artifactImportInfo(about), contentKey),
    }
    return fromUtf8(signDsse(PAYLOAD_TYPES.artifactKeyImport, encodeDocument(document), [party.signer]))
  } finally {
    contentKey.fill(0)
  }
}
