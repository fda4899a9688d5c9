import type { Audit } from './types.ts'
import { chargeWords, count, instant, names, rangeWords, short, size } from './words.ts'

/** Runs of an audit as lines of text: when, what was asked for, what it cost, what left, and for whom. */
export function runLines({ runs, gaps }: Pick<Audit, 'runs' | 'gaps'>): string[] {
  return [
    ...runs.flatMap(({ sequence, run, at, transform, template, image, charges, outputs, steps }) => {
      const words = steps.flatMap(({ commonWords }) => commonWords ?? [])
      return [
        `run ${sequence}  ${short(run)}  ${instant(at)}`,
        `    ${transform}${template === undefined ? '' : `, query ${template}`}, in image ${short(image)}`,
        ...charges.map((charge) => `    charged  ${chargeWords(charge)}`),
        ...outputs.map(
          ({ output, receivers, bytes }) => `    released ${output} to ${names(receivers)}, ${size(bytes)}`,
        ),
        ...(words.length === 0 ? [] : [`    repeats  ${count(Math.max(...words), 'word')} of a text`]),
      ]
    }),
    ...(gaps.length === 0
      ? []
      : [`runs whose proofs are not here: ${rangeWords(gaps)}; budgets are used by them too`]),
  ]
}
