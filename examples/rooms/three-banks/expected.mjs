/** What the runs have to give, computed from the data with no word of SQL. */

/** Customers of each bank at least, as the contract has it. */
const LEAST = 5

/**
 * Flows of at least so much, by the region where they end, in order.
 * @param {{payments: any[], passing: any[], collecting: any[]}} data
 */
export function byRegion({ payments, passing, collecting }, since, threshold) {
  const passingOf = new Map(passing.map((one) => [one.account, one]))
  const collectingOf = new Map(collecting.map((one) => [one.account, one]))
  const flows = new Map()
  for (const { customer, to_account, amount, day } of payments) {
    const through = passingOf.get(to_account)
    if (through === undefined || day < since) continue
    const end = collectingOf.get(through.onward_account)
    const flow = flows.get(end.region) ?? {
      payments: 0,
      moved: 0,
      people: { senders: new Set(), passing: new Set(), collecting: new Set() },
    }
    flow.payments++
    flow.moved += amount
    flow.people.senders.add(customer)
    flow.people.passing.add(through.customer)
    flow.people.collecting.add(end.customer)
    flows.set(end.region, flow)
  }
  return [...flows]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .filter(([, { moved }]) => moved >= threshold)
    .map(([region, { payments: count, moved, people }]) => ({
      region,
      payments: count,
      moved,
      ...Object.fromEntries(Object.entries(people).map(([name, { size }]) => [name, size])),
    }))
    .filter(({ senders, passing: passed, collecting: collected }) =>
      [senders, passed, collected].every((size) => size >= LEAST),
    )
}
