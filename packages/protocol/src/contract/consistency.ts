/** What a decoder of single members does not see: whether the graph of a contract makes sense, and who forbids it. */
import { reachOf, roomOf, transformsBefore } from './graph.ts'
import { findFinetuneContradiction } from './finetune-consistency.ts'
import { priceOf } from './prices.ts'
import { foldColumn } from './rules.ts'
import {
  findMissingPart,
  findOpenLoss,
  findTrainContradiction,
  findUnkeptRuleOfTraining,
} from './train-consistency.ts'
import type { Contract, Input, InputKind, Name, Transform } from './types.ts'
import { type InferenceAction, isTraining } from './tasks.ts'
import { isGuaranteed } from './train-privacy.ts'

/** What is wrong with the graph of a contract whose members are each well-formed; undefined: nothing. */
export function findGraphContradiction(contract: Contract): string | undefined {
  const { parties, inputs, transforms, outputs } = contract
  const partyNames = new Set(parties.map(({ name }) => name))
  const transformOf = new Map(transforms.map((transform) => [transform.name, transform]))
  for (const input of inputs) {
    const wrong = findInputContradiction(input, partyNames, transformOf) ?? findIdleRule(input)
    if (wrong !== undefined) return wrong
  }
  const inputOf = new Map(inputs.map((input) => [input.name, input]))
  const seen = new Set<Name>(inputOf.keys())
  for (const transform of transforms) {
    const { name, reads } = transform
    if (seen.has(name)) return `${name} is named twice`
    const unknown = reads.find((read) => !seen.has(read))
    if (unknown !== undefined) return `${name} reads ${unknown}, which does not come before it`
    seen.add(name)
    const read = reads.flatMap((one) => inputOf.get(one) ?? [])
    const wrong =
      findTaskContradiction(transform, read) ??
      findOpenChoice(transform, transformOf) ??
      read.map((input) => findUnkeptRule(input, transform)).find((one) => one !== undefined)
    if (wrong !== undefined) return wrong
  }
  for (const output of outputs) {
    const { name, from } = output
    if (!transformOf.has(from)) return `${name} is of ${from}, which is no transform`
    const missing = findMissingPart(contract, output)
    if (missing !== undefined) return missing
  }
  return findFlowContradiction(contract, inputOf)
}

function findInputContradiction(
  { name, owner, kind, columns, uses, rules }: Input,
  parties: ReadonlySet<Name>,
  transforms: ReadonlyMap<Name, Transform>,
): string | undefined {
  if (!parties.has(owner)) return `the owner of ${name} is no party`
  const stranger = rules.receivers.find((receiver) => !parties.has(receiver))
  if (stranger !== undefined) return `${stranger} may receive what comes of ${name}, and is no party`
  if ((kind === 'table') !== (columns !== undefined)) return `${name}: columns are of tables, which need them`
  const unused = uses.find(({ transform }) => !transforms.has(transform))
  return unused && `${name} may be used by ${unused.transform}, which is no transform`
}

/** A rule that nobody can keep would only seem to protect. */
function findIdleRule({ name, kind, columns = [], rules }: Input): string | undefined {
  const { contributor, minContributors, noisy, forbidden, maxCommonWords } = rules
  const isCounted = minContributors > 1 || noisy
  if (kind !== 'table' && (isCounted || contributor !== undefined || forbidden.length > 0))
    return `${name} has rules of rows and columns, and is no table`
  if (kind !== 'text' && kind !== 'audio' && maxCommonWords !== undefined)
    return `${name} has a rule of words, and is neither text nor audio`
  const names = new Set(columns.map((column) => foldColumn(column.name)))
  if (contributor !== undefined && !names.has(foldColumn(contributor)))
    return `${name} has no column ${contributor} of contributors`
  if (isCounted && contributor === undefined)
    return `${name} counts contributors, and no column says who they are`
  const missing = forbidden.find((column) => !names.has(foldColumn(column)))
  return missing && `${name} forbids ${missing}, which is no column of it`
}

const CODE_OF = { infer: 'model', wasm: 'code', container: 'code' } as const
const ITEMS_OF: { readonly [Action in InferenceAction]: readonly InputKind[] } = {
  summarise: ['text'],
  transcribe: ['audio'],
  classify: ['text', 'audio', 'image'],
  embed: ['text', 'audio', 'image'],
}

/** @param read the inputs among what the transform reads */
function findTaskContradiction({ name, reads, task }: Transform, read: readonly Input[]): string | undefined {
  if (task.kind === 'sql') {
    const other = read.find(({ kind }) => kind !== 'table')
    return other && `${name} queries ${other.name}, which is no table`
  }
  if (task.kind === 'train') return findTrainContradiction(name, task, reads, read)
  if (task.kind === 'finetune') return findFinetuneContradiction(name, task, reads, read)
  const code = task.kind === 'infer' ? task.model : task.kind === 'wasm' ? task.module : task.image
  const kind = CODE_OF[task.kind]
  const own = read.find((input) => input.name === code)
  if (own?.kind !== kind) return `${name} runs ${code}, which is no ${kind} among what it reads`
  // The other tasks have a digest of what they run themselves.
  if (task.kind === 'wasm' && own.content === undefined)
    return `${name} runs ${code}, whose content is not agreed on`
  if (reads.length === 1) return `${name} reads nothing but what it runs`
  if (task.kind !== 'infer') return undefined
  const other = read.find((input) => input !== own && !ITEMS_OF[task.action].includes(input.kind))
  return other && `${name} cannot ${task.action} ${other.name}, which is ${other.kind}`
}

/** A run chooses template and arguments of the transform it asks for, and of no other. */
function findOpenChoice(
  { name, reads }: Transform,
  transformOf: ReadonlyMap<Name, Transform>,
): string | undefined {
  const open = reads.find((read) => {
    const task = transformOf.get(read)?.task
    return task?.kind === 'sql' && (task.templates.length > 1 || task.templates[0]!.parameters.length > 0)
  })
  return open && `${name} reads ${open}, which has no one query without parameters`
}

/**
 * Rules of rows and columns hold where a table is read, because nothing later sees whose row it was: code can show a
 * column in any disguise and counts nobody, and noise is only as large as it must be while contributors are known. What
 * comes of a query that keeps them may go anywhere. It is the same with words of a recording, which a transcript has.
 */
function findUnkeptRule(input: Input, { name: reader, task }: Transform): string | undefined {
  const { name, kind, rules, uses } = input
  const { minContributors, noisy, forbidden, maxCommonWords } = rules
  if (kind === 'audio' && maxCommonWords !== undefined)
    return task.kind === 'infer' && task.action === 'transcribe'
      ? undefined
      : `${reader} reads ${name}, of which only a transcript tells the words that its owner counts`
  if (kind !== 'table') return undefined
  if (task.kind === 'train') return findUnkeptRuleOfTraining(reader, task, input)
  if (task.kind !== 'sql')
    return minContributors > 1 || noisy || forbidden.length > 0
      ? `${reader} runs code on ${name}, whose rules only queries keep`
      : undefined
  if (!noisy) return undefined
  if (task.noise === undefined) return `${reader} reads ${name} without noise, which its owner asks for`
  return uses.some((use) => use.transform === reader && use.epsilonMicros !== undefined)
    ? undefined
    : `${reader} adds noise to ${name}, which has no budget of it`
}

/** What one run is charged to: its receipt, with as many names of the longest, is one envelope. */
const MAX_EDGES_OF_RUN = 256

/** Guarantees of one contract: an accountant looks at each before anybody is bound. */
const MAX_GUARANTEES = 4

/** Every input has to allow what it reaches, and every output has to be allowed by all that it comes from. */
function findFlowContradiction(contract: Contract, inputOf: ReadonlyMap<Name, Input>): string | undefined {
  const reach = reachOf(contract)
  const guaranteed = contract.transforms.filter(({ task }) => isGuaranteed(task))
  if (guaranteed.length > MAX_GUARANTEES) return `it has more than ${MAX_GUARANTEES} guarantees of privacy`
  for (const transform of contract.transforms) {
    const { name, task } = transform
    for (const input of reach.get(name)!) {
      const use = inputOf.get(input)!.uses.find((one) => one.transform === name)
      if (use === undefined) return `${name} would read ${input}, whose owner does not let it`
      if (use.epsilonMicros === undefined) {
        if (use.deltaTrillionths === undefined) continue
        return `the budget of ${input} for ${name} has a delta, and no epsilon`
      }
      const { epsilonMicros = 0, deltaTrillionths = 0 } = priceOf(task, input) ?? {}
      if (use.epsilonMicros < epsilonMicros || (use.deltaTrillionths ?? 0) < deltaTrillionths)
        return `the noise budget of ${input} for ${name} does not suffice for one run`
    }
    const sources = [...reach.get(name)!].map((input) => inputOf.get(input)!)
    const names = contract.parties.map((party) => party.name)
    const open = isTraining(task) ? findOpenLoss(name, task, names, sources) : undefined
    if (open !== undefined) return open
    const steps = transformsBefore(contract, name)
    const edges = steps.reduce((sum, step) => sum + reach.get(step.name)!.size, 0)
    if (edges > MAX_EDGES_OF_RUN)
      return `a run of ${name} would be charged to more than ${MAX_EDGES_OF_RUN} budgets`
    if (roomOf(steps).length === 0) return `no image may run ${name} together with what it reads`
  }
  for (const output of contract.outputs) {
    const sources = [...reach.get(output.from)!].map((input) => inputOf.get(input)!)
    for (const { name, rules } of sources) {
      const stranger = output.receivers.find((receiver) => !rules.receivers.includes(receiver))
      if (stranger !== undefined)
        return `${output.name} would go to ${stranger}, whom the owner of ${name} does not admit`
    }
    // An owner who looks at an output before it leaves sees what came of every input of others.
    for (const { owner } of sources.filter(({ rules }) => rules.review)) {
      const unseen = sources.find((input) => input.owner !== owner && !input.rules.receivers.includes(owner))
      if (unseen !== undefined)
        return `${owner} would look at ${output.name}, which the owner of ${unseen.name} does not admit`
    }
    const { task } = contract.transforms.find(({ name }) => name === output.from)!
    const isTranscript = task.kind === 'infer' && task.action === 'transcribe'
    if (isTranscript && sources.some(({ rules }) => rules.maxCommonWords !== undefined))
      return `${output.name} would be a transcript, of which an owner lets out only passages`
  }
  return undefined
}
