import { type NamedContract, type PartyDocuments, signPartyDocument } from '@sotto/protocol/contract'
import type { UnixSeconds } from '@sotto/protocol/keyrelease'
import { clientError } from '../errors.ts'
import { ownNameIn } from './own-name.ts'
import type { RoomParty } from './party.ts'

const FORMATS = {
  acceptance: 'sotto-contract-acceptance/1',
  withdrawal: 'sotto-contract-withdrawal/1',
  closing: 'sotto-contract-closing/1',
  inquiry: 'sotto-contract-inquiry/1',
  consent: 'sotto-room-run-consent/1',
  approval: 'sotto-room-output-approval/1',
} as const

/**
 * Signs a document about a contract in the name that the contract has for this party.
 * @param more members of the document beside those that all have
 * @throws `ROOM_CONTRACT` where no party of the contract has this key
 */
export function signAs<Kind extends keyof typeof FORMATS>(
  kind: Kind,
  { contract, digest }: NamedContract,
  party: RoomParty,
  at: UnixSeconds,
  more: object = {},
): string {
  const own = ownNameIn(contract, party.key)
  if (own === undefined)
    throw clientError('ROOM_CONTRACT', 'no party of the contract has this key', {
      expected: contract.parties.map(({ name, key }) => `${name} ${key}`).join(', '),
      found: party.key,
    })
  const about = { genesis: contract.genesis, contract: digest, party: own, at }
  const document = { format: FORMATS[kind], ...about, ...more }
  return signPartyDocument(kind, document as unknown as PartyDocuments[Kind], party.signer)
}
