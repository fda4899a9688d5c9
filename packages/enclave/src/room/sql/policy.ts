import { joinRules, type Name, type RunPlan, type Transform } from '@sotto/protocol/contract'
import { refuse } from './errors.ts'
import type { SqlColumn, SqlPolicy, SqlTable } from './types.ts'

/**
 * What a contract says of the queries of one transform of a run, whose tables are in the order in which it reads them. Of
 * the tables that it reads itself all rules hold for each, the strictest of each; later steps no longer see whose a row
 * was, so that it is here that they are kept. What is forbidden in any input of the run is forbidden everywhere.
 * @param results columns of the results of transforms before this one, by their names
 * @throws `ROOM_SQL_REFUSED` (`known-table`) where it reads something that is no table; `TypeError` for another kind of task
 */
export function policyOf(
  { inputs, rules }: RunPlan,
  { reads, task }: Transform,
  results: ReadonlyMap<Name, readonly SqlColumn[]> = new Map(),
): SqlPolicy {
  if (task.kind !== 'sql') throw new TypeError('the transform has no queries')
  const own = inputs.filter(({ name }) => reads.includes(name))
  const kept = own.length === 0 ? undefined : joinRules(own.map((input) => input.rules))
  // A contract in which they contradict each other is none; but what leaves here would leave for good.
  if (kept?.noisy && task.noise === undefined)
    throw new TypeError('an owner lets only results with noise out')
  return {
    tables: reads.map((name): SqlTable => {
      const input = own.find((one) => one.name === name)
      const columns = input === undefined ? results.get(name) : input.columns
      if (columns === undefined) throw refuse('known-table', `${name}, which is no table`)
      const contributor = input?.rules.contributor
      // What another transform made is of nobody: its name stands for an owner.
      const owner = input?.owner ?? name
      return { name, owner, columns, ...(contributor !== undefined && { contributor }) }
    }),
    forbidden: rules.forbidden,
    joinKeys: task.joinKeys,
    minContributors: kept?.minContributors ?? 1,
    ...(task.noise && { noise: task.noise }),
  }
}
