import {
  createCustodianFile,
  CUSTODY_TYPES,
  type CustodianKeys,
  openCustodianFile,
  type ShareSet,
} from '@sotto/protocol/custody'
import { signDsse } from '@sotto/protocol/dsse'
import { documentDigest, encodeDocument } from '@sotto/protocol/keyrelease'
import { RootHistory } from '@sotto/verifier/custody'
import type { Sharing } from '../../src/root/index.ts'
import { payloadOf, type World } from '../world.ts'

/** A custodian with keys of its own. */
export interface TestCustodian {
  name: string
  keys: CustodianKeys
}

export function createCustodians(count: number, prefix = 'custodian'): TestCustodian[] {
  return Array.from({ length: count }, (_, n) => ({
    name: `${prefix}-${n + 1}`,
    keys: openCustodianFile(createCustodianFile()),
  }))
}

export function sharingOf(threshold: number, custodians: readonly TestCustodian[]): Sharing {
  return { threshold, custodians: custodians.map(({ name, keys }) => ({ name, key: keys.key })) }
}

/** The newest share set in the log. */
export function newestSet(world: World): ShareSet {
  return world.logged<ShareSet>(CUSTODY_TYPES.shareSet).at(-1)!.document
}

/** A custodian's acknowledgement of its share of a set. */
export function acknowledgement(set: ShareSet, { name, keys }: TestCustodian): Uint8Array {
  const { index } = set.shares.find(({ custodian }) => custodian === name)!
  const { genesis, generation } = set
  const document = { version: 1, genesis, generation, index, shareSet: documentDigest(set) }
  return signDsse(CUSTODY_TYPES.acknowledgement, encodeDocument(document), [keys.signing])
}

/** What anybody reads in the log of this world. */
export function historyOf(world: World): RootHistory {
  const history = new RootHistory(
    documentDigest(payloadOf<object>(world.kms.view.state.identity!.genesis.envelope)),
  )
  world.log.entries.forEach((entry, index) => history.read(index, entry))
  return history
}
