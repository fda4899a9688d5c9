/** Synthetic payments at three banks, the same for the same seed. No bank sees all ways in which people are cheated. */
import { createRandom } from '../../rooms/driver/random.mjs'

/** What each bank has most of. */
export const BANKS = { alder: 'card', birch: 'transfer', cedar: 'cash' }
export const KINDS = Object.values(BANKS)
/** All but a few. */
const USUAL = 0.995

/** Columns of a payment that a model reads, as `fraud.yaml` has them. */
export const FEATURES = [
  { column: 'amount', min: 0, max: 10_000 },
  { column: 'hour', min: 0, max: 23 },
  { column: 'age_years', min: 0, max: 30 },
  { column: 'kind', values: KINDS },
  { column: 'abroad', values: ['false', 'true'] },
]

/**
 * @param {{rows: number, seed: string}} options `rows`: payments of all banks together
 */
export function generate({ rows, seed }) {
  const random = createRandom(`banks that train ${seed}`)
  const each = Math.floor(rows / 3)
  const canaries = Object.fromEntries(
    Object.keys(BANKS).map((bank) => [bank, [`Philippa-${random.hex(16)}`]]),
  )
  const payments = Object.fromEntries(
    Object.entries(BANKS).map(([bank, usual]) => {
      // Two payments of a customer, more or less.
      const customers = Math.ceil(each / 2)
      const made = Array.from({ length: each }, () => ({
        customer: `${bank[0]}${random.integer(1, customers)}`,
        name: 'somebody',
        ...payment(random, usual),
      }))
      made[0].name = canaries[bank][0]
      return [bank, made]
    }),
  )
  // What comes next at any of the banks: nobody trains on it.
  const next = Array.from({ length: each }, () => payment(random, random.pick(KINDS)))
  return { canaries, payments, next }
}

function payment(random, usual) {
  const kind = random.chance(USUAL) ? usual : random.pick(KINDS)
  const one = {
    amount: Math.round(10 ** (1 + random.integer(0, 3000) / 1000)),
    hour: random.integer(0, 23),
    age_years: random.integer(0, 300) / 10,
    kind,
    abroad: random.chance(0.2),
  }
  return { ...one, fraud: random.chance(1 / (1 + Math.exp(-oddsOf(one)))) }
}

/** Log odds of being cheated: kinds differ, and for each of them another thing matters. */
function oddsOf({ amount, hour, age_years, kind, abroad }) {
  const isNight = hour < 6
  const by = {
    card: -0.8 + (abroad ? 2.6 : 0),
    transfer: 1.2 + (amount > 2_000 ? 2 : 0) + (age_years < 2 ? 1 : 0),
    cash: -1.8 + (isNight ? 3 : 0),
  }
  return -2.6 + by[kind]
}
