import { type GgufFile, type LoraAdapter, type LoraMatrices, textOf, wholeOf } from '@sotto/protocol/gguf'
import { type LoraBranch, type LoraSpec, matricesOf } from '@sotto/protocol/train-graph'

/** What trained numbers become branches by. */
export interface LoraPlan {
  readonly alphaMilli: number
  readonly rank: number
  readonly branches: readonly LoraBranch[]
  /** In the order of the graph's parameters: names of the matrices of branches. */
  readonly parameters: readonly { readonly name: string }[]
}

/** The same of a language model in GGUF. */
export interface AdapterPlan extends LoraPlan {
  readonly architecture: string
  /** Heads of queries and of keys. */
  readonly heads: { readonly queries: number; readonly keys: number }
}

/** The plan of branches that were put into the graph of a file. */
export function planAdapter(
  { metadata }: GgufFile,
  { alphaMilli, rank }: LoraSpec,
  { branches, parameters }: Pick<AdapterPlan, 'branches' | 'parameters'>,
): AdapterPlan {
  const architecture = textOf(metadata, 'general.architecture')!
  const queries = wholeOf(metadata, `${architecture}.attention.head_count`)!
  const keys = wholeOf(metadata, `${architecture}.attention.head_count_kv`) ?? queries
  return { architecture, heads: { queries, keys }, alphaMilli, rank, branches, parameters }
}

/**
 * Trained numbers as an adapter.
 *
 * @param values one array for each parameter, in order
 */
export function adapterOf(plan: AdapterPlan, values: readonly Float32Array[]): LoraAdapter {
  const { architecture, alphaMilli } = plan
  return { architecture, alpha: alphaMilli / 1000, branches: branchesOf(plan, values) }
}

/** Trained numbers as matrices of branches. */
export function branchesOf(
  { rank, branches, parameters }: LoraPlan,
  values: readonly Float32Array[],
): LoraMatrices[] {
  const at = new Map(parameters.map(({ name }, index) => [name, values[index]!]))
  return branches.map(({ module, a, b }) => matricesOf(module, rank, { a: at.get(a)!, b: at.get(b)! }))
}
