import { genesisInForce, type InForce, NOTHING_BEFORE } from '@sotto/protocol/governance'
import { genesisOf } from '../identity/index.ts'
import type { Identity, KmsState } from '../state/index.ts'
import type { Governance } from './types.ts'

/** Nothing was proposed yet. */
export const NO_GOVERNANCE: Governance = {
  succession: [],
  records: { sequence: 0, digest: NOTHING_BEFORE },
  decisions: { sequence: 0, digest: NOTHING_BEFORE },
  waiting: [],
  closed: [],
  forgottenUntil: 0,
  holds: [],
  lastHolds: {},
}

/** What each genesis says: it never changes. */
const ofGenesis = new WeakMap<Identity, InForce>()

/** Who decides now, and how long keys live. */
export function inForceOf({ governance, identity }: KmsState): InForce {
  if (governance.inForce !== undefined) return governance.inForce
  const known = ofGenesis.get(identity!)
  if (known !== undefined) return known
  const made = genesisInForce(genesisOf(identity!), identity!.digest)
  ofGenesis.set(identity!, made)
  return made
}
