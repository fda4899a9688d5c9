/** What the runs have to give, computed from the data with no word of SQL. */

/** The largest `min_contributors` of the contract: it holds for all. */
const LEAST = 20

/** Whether every hospital that has stays in a group has enough patients there: none makes up for another. */
function isShown(stays) {
  const patients = new Map()
  for (const { hospital, patient } of stays)
    patients.set(hospital, (patients.get(hospital) ?? new Set()).add(patient))
  return patients.size > 0 && [...patients.values()].every(({ size }) => size >= LEAST)
}

const allOf = (stays) =>
  Object.entries(stays).flatMap(([hospital, list]) => list.map((one) => ({ hospital, ...one })))
const sum = (list, name) => list.reduce((all, one) => all + one[name], 0)
const mean = (list, name) => sum(list, name) / list.length

/** Figures of each diagnosis, in order. */
export function byDiagnosis(stays) {
  const all = allOf(stays)
  return [...new Set(all.map(({ diagnosis }) => diagnosis))].sort().flatMap((diagnosis) => {
    const own = all.filter((one) => one.diagnosis === diagnosis)
    if (!isShown(own)) return []
    return [
      {
        diagnosis,
        stays: own.length,
        days: sum(own, 'days'),
        mean_days: mean(own, 'days'),
        mean_age: mean(own, 'age'),
        readmitted: sum(own, 'readmitted'),
      },
    ]
  })
}

/** Figures of all within an age, if there are enough. */
export function byAge(stays, youngest, oldest) {
  const own = allOf(stays).filter(({ age }) => age >= youngest && age <= oldest)
  return isShown(own) ? [{ stays: own.length, mean_days: mean(own, 'days') }] : []
}
