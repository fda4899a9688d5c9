/** Synthetic letters, the same for the same seed. */
import { createRandom } from '../driver/random.mjs'

const PEOPLE = ['My brother', 'The captain', 'Our neighbour', 'The old doctor', 'Her aunt', 'The miller']
const DEEDS = [
  'sold the mill and kept the horses and the lower field',
  'went to the harbour every morning and came back alone',
  'wrote that the winter was long and the house was cold',
  'lost the papers of the farm somewhere on the way to town',
  'said nothing about the money until the summer was over',
  'left for the city with the train that goes on Sundays',
]
/** Years with four digits, so that letters differ in more than their words. */
const YEARS = [1901, 1938]

/**
 * Letters of one file each, by name.
 * @param {{rows: number, seed: string}} options `rows`: how many
 * @param {readonly string[]} first texts of the first ones
 * @returns {{letters: Map<string, string>, canaries: string[]}}
 */
export function generate({ rows, seed }, first) {
  const random = createRandom(`letters ${seed}`)
  const canaries = [`ref${random.hex(20)}`]
  const texts = Array.from(
    { length: rows },
    (_, at) => first[at] ?? letter(random, at === rows - 1 && canaries[0]),
  )
  const letters = new Map(texts.map((text, at) => [`letter-${String(at + 1).padStart(5, '0')}.txt`, text]))
  return { letters, canaries }
}

function letter(random, reference) {
  const sentences = Array.from(
    { length: random.integer(2, 3) },
    () => `${random.pick(PEOPLE)} ${random.pick(DEEDS)}.`,
  )
  return [...sentences, `It was ${random.integer(...YEARS)}.`, ...(reference ? [reference] : [])].join(' ')
}
