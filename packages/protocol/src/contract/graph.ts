import type { Digest } from '../keyrelease/types.ts'
import { type DerivedRules, joinRules } from './rules.ts'
import type { Contract, Input, Name, Output, Transform } from './types.ts'

/** One edge of the graph that a run pays for: an input that reaches a transform. */
export interface Edge {
  input: Name
  transform: Name
}

/** What one run of a transform computes and touches. */
export interface RunPlan {
  /** Every transform that runs, in an order in which each comes after what it reads. The last is the one asked for. */
  transforms: Transform[]
  /** Every input that is read, in the order of the contract. */
  inputs: Input[]
  /** Owners of these inputs, each once: a run needs the consent of each. */
  owners: Name[]
  /** Owners who look at what the run gives before it leaves. */
  reviewers: Name[]
  edges: Edge[]
  /** What the run releases: results of the last transform, of no other. */
  outputs: Output[]
  /** Digests of the images that may run all of these transforms: one room runs them all. */
  room: Digest[]
  /**
   * What holds for the outputs. What these rules say of rows and columns a room keeps at every query that reads a table
   * itself, also where its result is only read on: a later step no longer sees whose row it was.
   */
  rules: DerivedRules
}

/**
 * Everything that a run of one transform needs. Of transforms that are read, the whole way back to inputs runs again:
 * nothing is kept between runs.
 * @param contract a decoded one: its graph has no circle
 * @throws `TypeError` for a transform that the contract does not have
 */
export function planRun(contract: Contract, transform: Name): RunPlan {
  const { transforms, inputs, outputs } = contract
  const last = transforms.find(({ name }) => name === transform)
  if (last === undefined) throw new TypeError('the contract has no such transform')
  const steps = transformsBefore(contract, transform)
  const reach = reachOf(contract)
  const own = inputs.filter(({ name }) => reach.get(transform)!.has(name))
  return {
    transforms: steps,
    inputs: own,
    owners: ownersOf(own),
    reviewers: ownersOf(own.filter(({ rules }) => rules.review)),
    edges: steps.flatMap(({ name }) => [...reach.get(name)!].map((input) => ({ input, transform: name }))),
    outputs: outputs.filter(({ from }) => from === transform),
    room: roomOf(steps),
    rules: joinRules(own.map(({ rules }) => rules)),
  }
}

function ownersOf(inputs: readonly Input[]): Name[] {
  return [...new Set(inputs.map(({ owner }) => owner))]
}

/**
 * The inputs that reach each transform, directly or through others; an input reaches itself.
 * @param contract one whose transforms each come after what they read
 */
export function reachOf({
  inputs,
  transforms,
}: Pick<Contract, 'inputs' | 'transforms'>): ReadonlyMap<Name, ReadonlySet<Name>> {
  const reach = new Map<Name, ReadonlySet<Name>>(inputs.map(({ name }) => [name, new Set([name])]))
  for (const { name, reads } of transforms)
    reach.set(name, new Set(reads.flatMap((read) => [...reach.get(read)!])))
  return reach
}

/** The transforms that one needs, itself last. A contract names each after those whose result it reads. */
export function transformsBefore({ transforms }: Pick<Contract, 'transforms'>, transform: Name): Transform[] {
  const wanted = new Set([transform])
  const steps: Transform[] = []
  for (const step of transforms.toReversed()) {
    if (!wanted.has(step.name)) continue
    steps.unshift(step)
    for (const read of step.reads) wanted.add(read)
  }
  return steps
}

/** The images that every one of these transforms admits. */
export function roomOf([first, ...rest]: readonly Transform[]): Digest[] {
  return first?.room.filter((image) => rest.every(({ room }) => room.includes(image))) ?? []
}
