import type { Input } from '@sotto/protocol/contract'
import { count, showPrivacy } from './amounts.ts'

/** What an owner asks of everything that comes of an input, one rule a line. */
export function describeRules({ owner, rules }: Pick<Input, 'owner' | 'rules'>): string[] {
  const { receivers, forbidden, minContributors, contributor, noisy, maxCommonWords, review } = rules
  return [
    `what comes of it may go to ${receivers.join(', ')} only`,
    ...(forbidden.length > 0 ? [`never shown: ${forbidden.join(', ')}`] : []),
    ...(contributor === undefined ? [] : [`who contributes is told by the column ${contributor}`]),
    ...(minContributors > 1 ? [`only figures over at least ${minContributors} contributors`] : []),
    ...(noisy ? ['only results with noise'] : []),
    ...(maxCommonWords === undefined
      ? []
      : [`an output repeats at most ${count(maxCommonWords, 'word')} in a row`]),
    ...(review ? [`${owner} looks at each output before it leaves`] : []),
  ]
}

/** What an input may be used for, one transform a line. */
export function describeUses({ uses }: Pick<Input, 'uses'>): string[] {
  return uses.map(({ transform, runs, epsilonMicros, ...delta }) => {
    const noise = epsilonMicros === undefined ? '' : `, ${showPrivacy({ epsilonMicros, ...delta })} in all`
    return `${transform}: ${count(runs, 'run')}${noise}`
  })
}
