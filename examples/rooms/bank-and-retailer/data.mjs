/** Synthetic data of a bank and a retailer, the same for the same seed. */
import { createHash } from 'node:crypto'
import { createRandom } from '../driver/random.mjs'

const SEGMENTS = ['family', 'professional', 'student']
const CATEGORIES = ['books', 'garden', 'kitchen']
const INCOMES = ['low', 'middle', 'high']
const AREAS = 30
/** Customers of both whom a figure of their own would show: fewer than the contract asks for. */
const RARE = 4

/**
 * @param {{rows: number, seed: string}} options `rows`: customers of the bank; the retailer has as many, half of them shared
 */
export function generate({ rows, seed }) {
  const random = createRandom(`bank and retailer ${seed}`)
  const half = Math.floor(rows / 2)
  const keyOf = (person) =>
    createHash('sha256').update(`${seed}/person-${person}@mail.example`).digest('hex').slice(0, 24)
  const canaries = {
    bank: [`Ottoline-${random.hex(16)}`, `DE00${random.hex(18)}`],
    retailer: [`mail-${random.hex(16)}@canary.example`],
  }
  const accounts = Array.from({ length: rows }, (_, person) => ({
    customer_key: keyOf(person),
    name: person === rows - 1 ? canaries.bank[0] : `Person ${person}`,
    iban: person === rows - 1 ? canaries.bank[1] : `DE${random.integer(10, 99)}${random.hex(18)}`,
    segment: person >= half && person < half + RARE ? 'private' : random.pick(SEGMENTS),
    balance: random.integer(-2_000, 90_000),
  }))
  const areas = Array.from({ length: AREAS }, (_, at) => ({
    postcode: `P${String(at).padStart(2, '0')}`,
    income: INCOMES[at % INCOMES.length],
  }))
  const purchases = Array.from({ length: rows }, (_, at) => at + half).flatMap((person) => {
    const { postcode } = random.pick(areas)
    return Array.from({ length: random.integer(1, 4) }, () => ({
      customer_key: keyOf(person),
      email: person === rows - 1 ? canaries.retailer[0] : `person-${person}@mail.example`,
      postcode,
      category: random.pick(CATEGORIES),
      amount: random.integer(5, 400),
      day: `2026-${String(random.integer(1, 12)).padStart(2, '0')}-${String(random.integer(1, 28)).padStart(2, '0')}`,
    }))
  })
  return { accounts, areas, purchases, canaries }
}
