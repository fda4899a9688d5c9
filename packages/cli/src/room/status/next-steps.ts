import type { RoomState } from '@sotto/client/rooms'
import type { Transform } from '@sotto/protocol/contract'
import type { UnixSeconds } from '@sotto/protocol/keyrelease'
import { short } from '../items.ts'
import type { ContractStatus, RoomStatus, RunStatus } from './gather.ts'

/** Something that this party can do now: a command, and what for. */
export interface NextStep {
  command: string
  why: string
}

/** What this party can do as the room stands, in the order in which it is of use. */
export function nextSteps(
  { contracts, runs, members }: RoomStatus,
  { proposals }: RoomState,
  now: UnixSeconds,
): NextStep[] {
  if (proposals.size === 0)
    return members.length < 2
      ? [{ command: 'sotto room status --watch', why: 'nobody else has joined yet' }]
      : [{ command: 'sotto room propose FILE', why: 'there is no contract yet' }]
  return [
    ...contracts.flatMap(stepsOfContract),
    ...runs.flatMap((run) => {
      const contract = contracts.find(({ digest }) => digest === run.contract)
      const named = proposals.get(run.contract)
      if (contract?.as === undefined || named === undefined) return []
      const receives = named.contract.outputs.some(
        ({ from, receivers }) => from === run.transform && receivers.includes(contract.as!),
      )
      return stepsOfRun(run, contract.as, { receives, isInTime: now < run.notAfter })
    }),
    ...contracts.flatMap((contract) => stepsToRun(contract, proposals)),
  ]
}

function stepsOfContract({ digest, phase, as, missing, data }: ContractStatus): NextStep[] {
  if (as === undefined || phase === 'closed') return []
  if (missing.includes(as))
    return [
      {
        command: `sotto room vote ${short(digest)} yes`,
        why: 'read this contract, and sign it if you agree',
      },
    ]
  if (phase === 'draft' || phase === 'proposed') return []
  return data
    .filter(({ owner, stated }) => owner === as && stated === undefined)
    .map(({ input }) => ({
      command: `sotto room data add ${input} FILE`,
      why: 'no data of yours is there yet',
    }))
}

function stepsOfRun(
  { run, state, missing, reviewers, waitsForYou, transform }: RunStatus,
  as: string,
  { receives, isInTime }: { receives: boolean; isInTime: boolean },
): NextStep[] {
  const name = short(run)
  // Any member can tell that it is done.
  if (waitsForYou)
    return [{ command: `sotto room vote ${name} --show`, why: 'a result waits for you to look at it' }]
  if (state === 'offered' && isInTime) {
    if (missing.includes(as))
      return [
        {
          command: `sotto room vote ${name} yes`,
          why: `look at the run of ${transform}, and consent or not`,
        },
      ]
    return missing.length > 0
      ? []
      : [{ command: `sotto room run --go ${name}`, why: 'every owner has consented' }]
  }
  if (state === 'waiting')
    return reviewers.length === 0
      ? [{ command: `sotto room run --go ${name}`, why: 'every owner who looks at the result has decided' }]
      : []
  if (state === 'running') return [{ command: `sotto room run --go ${name}`, why: 'follow it' }]
  return state === 'done' && receives
    ? [{ command: `sotto room outputs ${name}`, why: 'a result is there for you' }]
    : []
}

/** Where every input is there, whoever is a party may ask. */
function stepsToRun(
  { digest, phase, as, data }: ContractStatus,
  proposals: RoomState['proposals'],
): NextStep[] {
  if (as === undefined || (phase !== 'accepted' && phase !== 'running')) return []
  if (data.some(({ stated }) => stated === undefined)) return []
  const { outputs, transforms } = proposals.get(digest)!.contract
  return [...new Set(outputs.map(({ from }) => from))].map((transform) => ({
    command: `sotto room run ${transform}${flagsOf(transforms.find(({ name }) => name === transform)!)}`,
    why: 'all data are there',
  }))
}

/** What is left to be said about a run: the query where there are several, and its parameters where there is one. */
function flagsOf({ task }: Transform): string {
  if (task.kind !== 'sql') return ''
  const [only] = task.templates
  if (task.templates.length > 1) return ' --template NAME'
  return only!.parameters.map(({ name }) => ` --set ${name}=VALUE`).join('')
}
