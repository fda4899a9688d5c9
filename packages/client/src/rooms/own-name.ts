import type { Contract, Name } from '@sotto/protocol/contract'
import type { Ed25519Key } from '@sotto/protocol/keyrelease'

/** What a contract calls the party of this key; undefined: it is none of it. */
export function ownNameIn({ parties }: Pick<Contract, 'parties'>, key: Ed25519Key): Name | undefined {
  return parties.find((party) => party.key === key)?.name
}
