/** Synthetic payments over three banks, the same for the same seed. */
import { createRandom } from '../driver/random.mjs'

/** Where money is taken out: accounts there, and what a payment of this way is at most. */
const REGIONS = {
  coast: { accounts: 14, most: 60 },
  harbour: { accounts: 12, most: 9_000 },
  // As much as in the harbour, by fewer people than the contract asks for.
  island: { accounts: 3, most: 9_000 },
  valley: { accounts: 20, most: 60 },
}
/** Accounts of birch that pass money on to one of cedar. */
const PASSING = 3

/**
 * @param {{rows: number, seed: string}} options `rows`: payments of customers of alder
 */
export function generate({ rows, seed }) {
  const random = createRandom(`three banks ${seed}`)
  const canaries = Object.fromEntries(
    ['alder', 'birch', 'cedar'].map((bank) => [bank, [`Philippa-${random.hex(16)}`]]),
  )
  const collecting = Object.entries(REGIONS).flatMap(([region, { accounts }]) =>
    Array.from({ length: accounts }, () => ({ account: random.hex(24), region })),
  )
  const passing = collecting.flatMap(({ account }) =>
    Array.from({ length: PASSING }, () => ({ account: random.hex(24), onward_account: account })),
  )
  const regionOf = new Map(collecting.map(({ account, region }) => [account, region]))
  const customers = Math.max(200, Math.floor(rows / 10))
  const payments = Array.from({ length: rows }, () => {
    const { account, onward_account } = random.pick(passing)
    // Half of all payments go to accounts that pass nothing on.
    const isPassed = random.chance(0.5)
    return {
      customer: `a${random.integer(1, customers)}`,
      to_account: isPassed ? account : random.hex(24),
      amount: random.integer(1, REGIONS[regionOf.get(onward_account)].most),
      day: `2026-${String(random.integer(1, 12)).padStart(2, '0')}-${String(random.integer(1, 28)).padStart(2, '0')}`,
    }
  })
  return {
    canaries,
    payments: payments.map((one, at) => named(one, one.customer, at === 0 && canaries.alder[0])),
    passing: passing.map((one, at) => named(one, `b${at}`, at === 0 && canaries.birch[0])),
    collecting: collecting.map((one, at) => named(one, `c${at}`, at === 0 && canaries.cedar[0])),
  }
}

/** In the order of the contract's columns. */
function named(row, customer, canary) {
  return { customer, name: canary || `Customer ${customer}`, ...row }
}
