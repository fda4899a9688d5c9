/** What the runs have to give, computed from the data with no word of SQL. */

/** Contributors of each owner at least, as the contract has it. */
const LEAST = 10

/**
 * What customers of both bought, by segment and category: only groups of enough people, in order.
 * @param {{accounts: any[], purchases: any[]}} data @param {string} since a day
 */
export function bySegment({ accounts, purchases }, since) {
  const segmentOf = new Map(accounts.map(({ customer_key, segment }) => [customer_key, segment]))
  const groups = new Map()
  for (const { customer_key, category, amount, day } of purchases) {
    const segment = segmentOf.get(customer_key)
    if (segment === undefined || day < since) continue
    const key = `${segment} ${category}`
    const group = groups.get(key) ?? { segment, category, purchases: 0, spent: 0, people: new Set() }
    group.purchases++
    group.spent += amount
    group.people.add(customer_key)
    groups.set(key, group)
  }
  return [...groups]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .filter(([, { people }]) => people.size >= LEAST)
    .map(([, { segment, category, purchases: count, spent }]) => ({
      segment,
      category,
      purchases: count,
      spent,
    }))
}

/** What was bought in areas of each income, exactly: noise comes on top of it. */
export function byIncome({ areas, purchases }) {
  const incomeOf = new Map(areas.map(({ postcode, income }) => [postcode, income]))
  return ['low', 'middle', 'high'].map((income) => {
    const own = purchases.filter(({ postcode }) => incomeOf.get(postcode) === income)
    return { income, purchases: own.length, spent: own.reduce((sum, { amount }) => sum + amount, 0) }
  })
}
