import type { Charge, DerivedRules, Name, Rules, Task, TrainTask } from '@sotto/protocol/contract'
import type { UnixSeconds } from '@sotto/protocol/keyrelease'
import type { GraphBudget } from './types.ts'

/** `500000` millionths as `0.5`. */
export function epsilon(micros: number): string {
  return String(micros / 1_000_000)
}

/** `10000000` of 10^-12 as `1e-5`. */
export function delta(trillionths: number): string {
  const [digits = '0', exponent = '0'] = trillionths.toExponential().split('e')
  const power = Number(exponent) - 12
  return trillionths === 0 || power === 0 ? digits : `${digits}e${power}`
}

/** `ε 3, δ 1e-5`: of noise without one, `ε 3`. */
export function privacyWords(epsilonMicros: number, deltaTrillionths?: number): string {
  return `ε ${epsilon(epsilonMicros)}${deltaTrillionths === undefined ? '' : `, δ ${delta(deltaTrillionths)}`}`
}

/** `1 run`, `3 runs`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`
}

/** `1536` as `1.5 KiB`. */
export function size(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB']
  const power = bytes < 1024 ? 0 : Math.min(3, Math.floor(Math.log2(bytes) / 10))
  const value = bytes / 1024 ** power
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${units[power]}`
}

/** As `2026-11-29 13:05:15 UTC`. */
export function instant(seconds: UnixSeconds): string {
  const date = new Date(seconds * 1000)
  // A signed statement may name any second there is a number for.
  if (Number.isNaN(date.getTime())) return `second ${seconds}`
  return `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

/** The first twelve digits: enough to tell a few digests apart, never to compare them. */
export function short(digest: string): string {
  return digest.slice(0, 12)
}

/** What a transform does. */
export function taskWords(task: Task): string {
  switch (task.kind) {
    case 'sql': {
      const queries = count(task.templates.length, 'approved query', 'approved queries')
      return task.noise === undefined
        ? queries
        : `${queries}, noise of ε ${epsilon(task.noise.epsilonMicros)}`
    }
    case 'infer':
      return `${task.action} with ${task.model}`
    case 'wasm':
      return `WebAssembly module ${task.module}`
    case 'container':
      return `container ${task.image}`
    case 'train':
      return withGuarantee(`trains ${MODELS[task.recipe.kind]} to tell ${task.data.label.column}`, task)
    case 'finetune':
      return withGuarantee(`trains an adapter of ${task.model}`, task)
  }
}

const MODELS: Readonly<Record<TrainTask['recipe']['kind'], string>> = {
  linear: 'a linear model',
  mlp: 'a multi-layer perceptron',
  gbdt: 'boosted trees',
  graph: 'a graph',
}

/** What is learned, and what it may tell of one contributor. */
function withGuarantee(learned: string, { privacy }: Pick<TrainTask, 'privacy'>): string {
  return privacy === undefined
    ? `${learned}, without a guarantee`
    : `${learned}, ${privacyWords(privacy.epsilonMicros, privacy.deltaTrillionths)}`
}

/** Each rule that holds, in words, the one of receivers first. @param all parties: where they may all have it, no rule is told */
export function ruleWords(
  rules: DerivedRules | Rules,
  { parties }: { parties: readonly unknown[] },
): string[] {
  const { receivers, forbidden, minContributors, noisy, maxCommonWords, review } = rules
  const isForAll = receivers.length === parties.length
  return [
    ...(isForAll ? [] : [`only for ${receivers.join(', ') || 'nobody'}`]),
    ...(minContributors > 1 ? [`at least ${minContributors} contributors`] : []),
    ...(forbidden.length > 0 ? [`never shows ${forbidden.join(', ')}`] : []),
    ...(noisy ? ['only with noise'] : []),
    ...(maxCommonWords === undefined ? [] : [`repeats at most ${count(maxCommonWords, 'word')}`]),
    ...(review ? ['reviewed before release'] : []),
  ]
}

/** `2 of 3 runs, ε 1 of 2, δ 1e-5 of 2e-5`: what was used of a budget. */
export function budgetWords(budget: Spending & Pick<GraphBudget, 'runs' | 'spentRuns'>): string {
  return [`${budget.spentRuns} of ${count(budget.runs, 'run')}`, ...spentWords(budget)].join(', ')
}

type Spending = Pick<
  GraphBudget,
  'epsilonMicros' | 'spentEpsilonMicros' | 'deltaTrillionths' | 'spentDeltaTrillionths'
>

/** `ε 1 of 2` and `δ 1e-5 of 2e-5`, of a budget that has them. */
export function spentWords({
  epsilonMicros,
  spentEpsilonMicros,
  deltaTrillionths,
  spentDeltaTrillionths = 0,
}: Spending): string[] {
  return [
    ...(epsilonMicros === undefined ? [] : [`ε ${epsilon(spentEpsilonMicros)} of ${epsilon(epsilonMicros)}`]),
    ...(deltaTrillionths === undefined
      ? []
      : [`δ ${delta(spentDeltaTrillionths)} of ${delta(deltaTrillionths)}`]),
  ]
}

/** `accounts for overlap: 1 run, ε 0.5`. */
export function chargeWords({ input, transform, runs, epsilonMicros, deltaTrillionths }: Charge): string {
  const paid = epsilonMicros === undefined ? '' : `, ${privacyWords(epsilonMicros, deltaTrillionths)}`
  return `${input} for ${transform}: ${count(runs, 'run')}${paid}`
}

/** `1-3, 7`: ranges of sequence numbers. */
export function rangeWords(ranges: readonly { from: number; to: number }[]): string {
  return ranges.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(', ')
}

/** Names as `a, b and c`. */
export function names(all: readonly Name[]): string {
  return all.length < 2 ? (all[0] ?? 'nobody') : `${all.slice(0, -1).join(', ')} and ${all.at(-1)}`
}
