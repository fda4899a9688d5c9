import { join } from 'node:path'
import { type DeploymentRecord, openRecords } from '../../deploy/record/records.ts'
import { type Command, defineCommand } from '../../framework/index.ts'
import { readRunning, STATE_FOLDER, troubleOf } from '../../stack/running.ts'

/** `sotto ls` */
export const ls: Command = defineCommand({
  path: ['ls'],
  summary: 'List your deployments',
  description:
    'All that this user deployed, from whatever folder, with their state and address: a line for each target. In clusters ' +
    'one is rendered, or applied.',
  flags: {},
  examples: ['sotto ls', "sotto ls --json | jq '.[].name'"],
  async run(context) {
    const rows = await Promise.all(
      (await openRecords(context.io).list()).map(async (record) => ({
        ...record,
        ...(await stateOf(record, context.io.now())),
      })),
    )
    if (context.global.json) return context.json(rows)
    if (rows.length === 0) return context.out('no deployments; sotto init begins one')
    const width = Math.max(...rows.map(({ name }) => name.length))
    for (const { name, target, state, relay, folder } of rows)
      context.out(
        `${name.padEnd(width)}  ${target.padEnd(10)}  ${state.padEnd(8)}  ${relay ?? '-'}  ${folder}`,
      )
    return
  },
})

/** What can be seen from here. What a cluster runs only the cluster knows. */
async function stateOf(
  { target, folder, expiresAt, applied }: DeploymentRecord,
  now: number,
): Promise<{ state: string; relay?: string }> {
  if (target !== 'local') return { state: applied ? 'applied' : 'rendered' }
  const running = await readRunning(join(folder, STATE_FOLDER))
  if (running === undefined) return { state: 'stopped' }
  const { relay } = running
  if (expiresAt !== undefined && expiresAt * 1000 <= now) return { state: 'expired', relay }
  return { state: troubleOf(running) === undefined ? 'running' : 'damaged', relay }
}
