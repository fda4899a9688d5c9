import { hasSameKeys } from '@sotto/client/rooms'
import { type Contract, type Input, isTraining, type NamedContract, priceOf } from '@sotto/protocol/contract'
import { words } from '../../words/index.ts'
import type { OpenRoom } from './open-room.svelte.ts'
import { partOf } from './output-part.ts'

/** What an owner asks of everything that comes of an input, in words. */
export function rulesOf({ owner, rules }: Pick<Input, 'owner' | 'rules'>): string[] {
  const say = words.rooms.contracts.rule
  const { receivers, forbidden, minContributors, contributor, noisy, maxCommonWords, review } = rules
  return [
    say.receivers(receivers.join(', ')),
    ...(forbidden.length > 0 ? [say.forbidden(forbidden.join(', '))] : []),
    ...(minContributors > 1 ? [say.contributors(minContributors, contributor ?? say.nobody)] : []),
    ...(minContributors <= 1 && contributor !== undefined ? [say.contributor(contributor)] : []),
    ...(noisy ? [say.noisy] : []),
    ...(maxCommonWords === undefined ? [] : [say.words(maxCommonWords)]),
    ...(review ? [say.review(owner)] : []),
  ]
}

/** What a party is bound by that signs, in words. */
export function bondsOf({ contract }: Pick<NamedContract, 'contract'>, own: string, until: string): string[] {
  const { kinds, accept } = words.rooms.contracts
  const say = accept.bound
  const inputs = contract.inputs.filter(({ owner }) => owner === own)
  return [
    ...(inputs.length === 0 ? [say.nothing] : []),
    ...inputs.flatMap(({ name, kind, uses, rules }) => [
      say.brings(name, kinds[kind]),
      ...uses.map((use) => say.runs(name, use)),
      ...learningBonds(contract, name),
      say.goes(name, rules.receivers.join(', ')),
    ]),
    ...contract.outputs
      .filter(({ receivers }) => receivers.includes(own))
      .map((output) => say.receives(output.name, partOf(contract, output))),
    ...(contract.consent.logging ? [say.logged] : []),
    ...(contract.consent.telemetry ? [say.counted] : []),
    say.until(until),
  ]
}

/** What trainings may tell of an input, which no later rule takes back: a model has left then. */
function learningBonds({ transforms }: Contract, input: string): string[] {
  const say = words.rooms.contracts.training.bound
  return transforms.flatMap(({ name, task }) => {
    if (!isTraining(task)) return []
    const learned = task.kind === 'train' ? task.data.tables : task.texts
    if (!learned.includes(input)) return []
    const price = task.privacy && priceOf(task, input)
    return [price === undefined ? say.unprotected(name, input) : say.protected(name, input, price)]
  })
}

/**
 * Why a contract must not be signed: every party of it has to be the member of that name with exactly these keys, or
 * outputs for one could be sealed to another.
 */
export function objectionsTo(room: OpenRoom, { contract }: Pick<NamedContract, 'contract'>): string[] {
  const say = words.rooms.contracts.accept
  const me = contract.parties.find(({ key }) => key === room.key)
  if (me === undefined) return [say.notParty]
  if (!hasSameKeys(me, room.own)) return [say.otherSealing]
  const { members, conflicts } = room.state ?? { members: new Map(), conflicts: [] }
  return contract.parties.flatMap((party) => {
    if (party === me) return []
    if (conflicts.some((one) => one.party.name === party.name)) return [say.conflict(party.name)]
    const member = members.get(party.name)?.party
    if (hasSameKeys(member, party)) return []
    return [member === undefined ? say.absent(party.name) : say.other(party.name)]
  })
}
