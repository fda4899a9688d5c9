import { utf8 } from '@sotto/protocol/bytes'
import {
  type AcceptCall,
  contractPhase,
  parseContract,
  requireProvenPrivacy,
  type SignCall,
  verifyPartyDocument,
} from '@sotto/protocol/contract'
import { documentDigest, type Digest, type UnixSeconds } from '@sotto/protocol/keyrelease'
import { requireAdmitted, requireMade } from '../artifacts/index.ts'
import { kmsError } from '../errors.ts'
import type { KmsState } from '../state/index.ts'
import { type HeldContract, recordOf } from './types.ts'

/** Contracts of one KMS, those among them that ended lately. */
const MAX_CONTRACTS = 1024
/** Of those, that one party brought. */
const MAX_CONTRACTS_PER_OWNER = 64

/** How a contract stands after what a party signed. */
export interface Admitted {
  held: HeldContract
  /** What the log is to hold of it; missing where nothing changed, or nobody is to know. */
  event?: { event: 'accepted' | 'withdrawn' | 'closed' | 'data'; statement: Digest }
}

/**
 * Takes a contract with one party's acceptance. The first one brings the contract, and must be of an owner whom members
 * admitted: strangers fill no store.
 * Nobody is bound by a guarantee that costs more than the contract says.
 * @throws `CONTRACT_*` codes, `KMS_WRONG_GENESIS`, `KMS_STATEMENT_TIME`, `KMS_OWNER_UNKNOWN`, `KMS_OWNER_QUOTA`
 */
export function admitAcceptance(
  { contract: text, acceptance }: AcceptCall,
  state: KmsState,
  now: UnixSeconds,
): Admitted {
  const named = parseContract(utf8(text))
  const { contract, digest } = named
  if (contract.genesis !== state.identity!.digest)
    throw kmsError('KMS_WRONG_GENESIS', 'the contract is meant for another KMS')
  const { document, party } = verifyPartyDocument('acceptance', acceptance, named)
  requireMade(document.at, now)
  if (state.endedContracts.has(digest)) throw overError()
  const known = state.contracts.get(digest)
  if (known === undefined) {
    requireSpace(party.key, contract.notAfter, state, now)
    requireProvenPrivacy(contract)
  }
  const held = known ?? fresh(named)
  if (held.accepted.some((one) => one.party === party.name)) return { held }
  if (now >= contract.notAfter || contractPhase(recordOf(held), now) === 'closed') throw overError()
  const accepted = [...held.accepted, { party: party.name, envelope: acceptance }]
  const isWhole = accepted.length === contract.parties.length
  return {
    held: { ...held, accepted },
    ...(isWhole && { event: { event: 'accepted', statement: digest } }),
  }
}

function fresh({ contract, digest }: ReturnType<typeof parseContract>): HeldContract {
  return {
    digest,
    contract,
    accepted: [],
    closed: [],
    withdrawn: [],
    data: {},
    ledger: [],
    runs: 0,
    open: [],
  }
}

function requireSpace(key: string, notAfter: UnixSeconds, state: KmsState, now: UnixSeconds): void {
  requireAdmitted(key, state)
  if (now >= notAfter) throw overError()
  const all = [...state.contracts.values()]
  const own = all.filter(({ contract, accepted }) =>
    contract.parties.some((party) => party.key === key && accepted[0]?.party === party.name),
  )
  if (all.length < MAX_CONTRACTS && own.length < MAX_CONTRACTS_PER_OWNER) return
  throw kmsError('KMS_OWNER_QUOTA', 'there are as many contracts as this KMS takes', {
    expected: `at most ${MAX_CONTRACTS_PER_OWNER} of one owner, ${MAX_CONTRACTS} of all`,
    hint: 'One that ended makes room after a while.',
  })
}

/**
 * Takes what a party signed about a contract: the same again changes nothing.
 * @throws `CONTRACT_*` codes, `KMS_CONTRACT_OVER`, `KMS_STATEMENT_TIME`, `KMS_CONTRACT_DATA`
 */
export function admitSigned(call: SignCall, held: HeldContract, state: KmsState, now: UnixSeconds): Admitted {
  if (call.kind === 'data') return admitData(call.envelope, held, state, now)
  const statement = documentDigest(utf8(call.envelope))
  if (call.kind === 'withdrawal') {
    const { document, party } = verifyPartyDocument('withdrawal', call.envelope, held)
    requireMade(document.at, now)
    const { consent } = document
    if (held.withdrawn.some((one) => one.party === party.name && one.consent === consent)) return { held }
    const withdrawn = [...held.withdrawn, { party: party.name, consent }]
    return { held: ended({ ...held, withdrawn }, now), event: { event: 'withdrawn', statement } }
  }
  const { document, party } = verifyPartyDocument('closing', call.envelope, held)
  requireMade(document.at, now)
  if (held.closed.includes(party.name)) return { held }
  const next = { ...held, closed: [...held.closed, party.name] }
  return { held: ended(next, now), event: { event: 'closed', statement } }
}

/** Notes when a contract has ended, the first time it has. */
function ended(held: HeldContract, now: UnixSeconds): HeldContract {
  const isOver = held.endedAt === undefined && contractPhase(recordOf(held), now) === 'closed'
  return isOver ? { ...held, endedAt: now } : held
}

function overError(): Error {
  return kmsError('KMS_CONTRACT_OVER', 'the contract is closed, or its time is over')
}

/** An owner says what an input is. Its content key has come before, for this contract and no other use. */
function admitData(envelope: string, held: HeldContract, state: KmsState, now: UnixSeconds): Admitted {
  const { document, party } = verifyPartyDocument('data', envelope, held)
  requireMade(document.at, now)
  const { input, artifact, content, version } = document
  const before = held.data[input]
  if (before?.envelope === envelope) return { held }
  if (contractPhase(recordOf(held), now) === 'closed')
    throw kmsError('KMS_CONTRACT_OVER', 'nobody adds anything to this contract any more')
  const agreed = held.contract.inputs.find(({ name }) => name === input)!.content
  if (agreed !== undefined && agreed !== content)
    throw dataError('it is not the content that the parties agreed on', agreed, content)
  if (before !== undefined && version <= before.version)
    throw dataError('a later version is there already', `above ${before.version}`, `${version}`)
  const key = state.artifacts.get(artifact)
  if (key?.owner !== party.key || key.contract !== held.digest)
    throw dataError('its owner has not given its key for this contract', 'an import for it', 'none')
  const data = { ...held.data, [input]: { artifact, content, version, envelope } }
  return { held: { ...held, data }, event: { event: 'data', statement: documentDigest(utf8(envelope)) } }
}

function dataError(message: string, expected: string, found: string): Error {
  return kmsError('KMS_CONTRACT_DATA', message, { expected, found })
}
