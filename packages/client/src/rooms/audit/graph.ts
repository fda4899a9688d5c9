import {
  type Contract,
  type Name,
  type NamedContract,
  type Output,
  planRun,
  type Transform,
} from '@sotto/protocol/contract'
import type { AuditGraph, GraphBudget, GraphOutput, GraphRuns, GraphTransform } from './types.ts'
import { taskWords } from './words.ts'

/** A contract as a graph of layers, each budget with what these runs took of it. */
export function buildGraph(named: NamedContract, { runs, spent }: GraphRuns): AuditGraph {
  const { contract, digest } = named
  const layers = layersOf(contract)
  const sumOf = (name: Name, part: 'epsilonMicros' | 'deltaTrillionths'): number =>
    spent.filter(({ input }) => input === name).reduce((sum, one) => sum + (one[part] ?? 0), 0)
  return {
    contract: digest,
    title: contract.title,
    notBefore: contract.notBefore,
    notAfter: contract.notAfter,
    parties: contract.parties.map(({ name }, mark) => ({ name, mark })),
    inputs: contract.inputs.map(({ name, owner, kind, rules }) => ({
      name,
      owner,
      kind,
      rules,
      epsilonMicros: sumOf(name, 'epsilonMicros'),
      ...(sumOf(name, 'deltaTrillionths') > 0 && { deltaTrillionths: sumOf(name, 'deltaTrillionths') }),
    })),
    transforms: contract.transforms.map((transform) => ({
      ...transformOf(transform, layers.get(transform.name)!),
      runs: runs.filter((run) => run.transform === transform.name).length,
      budgets: budgetsOf(contract, transform, spent),
    })),
    outputs: contract.outputs.map((output) => ({
      ...outputOf(contract, output),
      released: runs.filter(({ outputs }) => outputs.some((one) => one.output === output.name)).length,
    })),
  }
}

function transformOf(
  { name, reads, room, task }: Transform,
  layer: number,
): Omit<GraphTransform, 'runs' | 'budgets'> {
  return { name, kind: task.kind, does: taskWords(task), reads, images: room, layer }
}

function outputOf(
  contract: Contract,
  { name, from, receivers, maxBytes }: Output,
): Omit<GraphOutput, 'released'> {
  const { rules, reviewers, owners } = planRun(contract, from)
  return {
    name,
    from,
    receivers,
    maxBytes,
    rules,
    reviewers,
    owners,
  }
}

function budgetsOf(contract: Contract, { name, reads }: Transform, spent: GraphRuns['spent']): GraphBudget[] {
  return planRun(contract, name).inputs.map((input) => {
    // The contract was decoded: every input that reaches a transform has a use for it.
    const use = input.uses.find(({ transform }) => transform === name)!
    const taken = spent.find((one) => one.input === input.name && one.transform === name)
    return {
      input: input.name,
      owner: input.owner,
      isDirect: reads.includes(input.name),
      runs: use.runs,
      spentRuns: taken?.runs ?? 0,
      ...(use.epsilonMicros !== undefined && { epsilonMicros: use.epsilonMicros }),
      spentEpsilonMicros: taken?.epsilonMicros ?? 0,
      ...(use.deltaTrillionths !== undefined && {
        deltaTrillionths: use.deltaTrillionths,
        spentDeltaTrillionths: taken?.deltaTrillionths ?? 0,
      }),
    }
  })
}

/** Inputs are in layer 0; a transform is one after the last that it reads. */
function layersOf({ inputs, transforms }: Contract): ReadonlyMap<Name, number> {
  const layers = new Map<Name, number>(inputs.map(({ name }) => [name, 0]))
  for (const { name, reads } of transforms)
    layers.set(name, 1 + Math.max(...reads.map((read) => layers.get(read)!)))
  return layers
}
