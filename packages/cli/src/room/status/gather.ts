import {
  fingerprint,
  hasSameKeys,
  ownNameIn,
  type RoomRun,
  type RoomState,
  statedIn,
} from '@sotto/client/rooms'
import { type ContractView, type Name, type NamedContract, planRun } from '@sotto/protocol/contract'
import type { UnixSeconds } from '@sotto/protocol/keyrelease'
import type { RunState } from '@sotto/protocol/room'
import { viewContract } from '../contracts.ts'
import { fewAtOnce } from '../few-at-once.ts'
import { missingApprovals, missingConsents } from '../missing.ts'
import type { RoomSession } from '../session.ts'
import { waitsForReview } from '../votes/output.ts'

/** A member, or somebody who calls himself as one. */
export interface MemberStatus {
  name: Name
  fingerprint: string
  isYou: boolean
  /** Whether others signed for this name, too. */
  isDisputed: boolean
}

/** A contract of the room. */
export interface ContractStatus {
  digest: string
  title: string
  /** `draft` while nobody has signed; `foreign` where this party is none of it, or another KMS has it. */
  phase: ContractView['phase'] | 'draft' | 'foreign'
  /** What it calls this party. */
  as: Name | undefined
  accepted: Name[]
  missing: Name[]
  withdrawn: ContractView['withdrawn']
  /** Of every input: what its owner stated, if anything. */
  data: {
    input: Name
    owner: Name
    stated?: { version: number; content: string; bytes: number; at: number }
  }[]
  left: ContractView['left']
  runs: number
}

/** A run, as members tell of it and as signatures prove it. */
export interface RunStatus {
  run: string
  contract: string
  transform: Name
  template: string | undefined
  /** Who says to have asked, which nobody signed. */
  by: Name
  note: string | undefined
  /** As members tell it; `offered` where nobody has told. */
  state: RunState
  consents: Name[]
  missing: Name[]
  /** Who looks at outputs, and has not let them out. */
  reviewers: Name[]
  /** Whether a result waits for this party, whatever members tell beside that. */
  waitsForYou: boolean
  declined: { party: Name; reason?: string }[]
  failure: { code: string; message: string; rule?: string } | undefined
  notAfter: number
}

/** All that a room is, for one of its members. */
export interface RoomStatus {
  members: MemberStatus[]
  contracts: ContractStatus[]
  runs: RunStatus[]
  /** Messages that nobody can read, or that prove nothing. */
  unreadable: number
  unproven: number
}

/** Looks at board and KMS. @throws codes of rooms and contracts */
export async function gatherStatus(
  session: RoomSession,
  state: RoomState,
  now: UnixSeconds,
): Promise<RoomStatus> {
  const contracts = await fewAtOnce([...state.proposals.values()], ({ contract, digest }) =>
    contractStatus(session, { contract, digest }, now),
  )
  const runs: RunStatus[] = []
  for (const run of state.runs.values()) runs.push(...(await runStatus(session, state, run)))
  return {
    members: membersOf(state, session),
    contracts,
    runs,
    unreadable: state.unreadable.length,
    unproven: state.unproven.length,
  }
}

function membersOf({ members, conflicts }: RoomState, { own }: RoomSession): MemberStatus[] {
  const all = [...[...members.values()].map(({ party }) => party), ...conflicts.map(({ party }) => party)]
  const disputed = new Set(conflicts.map(({ party }) => party.name))
  return all.map((party) => ({
    name: party.name,
    fingerprint: fingerprint(party),
    isYou: hasSameKeys(own, party),
    isDisputed: disputed.has(party.name),
  }))
}

async function contractStatus(
  session: RoomSession,
  named: NamedContract,
  now: UnixSeconds,
): Promise<ContractStatus> {
  const { contract, digest } = named
  // Any member can propose anything: one for another KMS is not to be asked about here.
  const as = contract.genesis === session.genesis ? ownNameIn(contract, session.own.key) : undefined
  const view = as === undefined ? undefined : await viewContract(session, named)
  const names = contract.parties.map(({ name }) => name)
  const accepted = view?.accepted ?? []
  return {
    digest,
    title: contract.title,
    phase: as === undefined ? 'foreign' : now >= contract.notAfter ? 'closed' : (view?.phase ?? 'draft'),
    as,
    accepted,
    missing: names.filter((name) => !accepted.includes(name)),
    withdrawn: view?.withdrawn ?? [],
    data: contract.inputs.map(({ name: input, owner }) => {
      const stated = view && statedIn(view, named, input)
      if (stated === undefined) return { input, owner }
      const { version, content, bytes, at } = stated
      return { input, owner, stated: { version, content, bytes, at } }
    }),
    left: view?.left ?? [],
    runs: view?.runs ?? 0,
  }
}

/** Nothing, where the board has not the contract of the run. */
async function runStatus(session: RoomSession, { proposals }: RoomState, run: RoomRun): Promise<RunStatus[]> {
  const { offer } = run.offered
  const named = proposals.get(offer.contract)
  if (named === undefined || !named.contract.transforms.some(({ name }) => name === offer.transform))
    return []
  const [last] = run.views
  const reviewers =
    planRun(named.contract, offer.transform).reviewers.length === 0 ? [] : missingApprovals(named, run)
  const own = ownNameIn(named.contract, session.own.key)
  return [
    {
      run: run.run,
      contract: offer.contract,
      transform: offer.transform,
      template: offer.template,
      by: run.by,
      note: run.note,
      state: last?.view.state ?? 'offered',
      consents: [...run.consents.keys()],
      missing: missingConsents(named, run),
      reviewers,
      waitsForYou:
        own !== undefined && reviewers.includes(own) && (await waitsForReview(session, named, run)),
      declined: run.declined.map(({ party, reason }) => ({ party, ...(reason !== undefined && { reason }) })),
      failure: last?.view.failure,
      notAfter: offer.notAfter,
    },
  ]
}
