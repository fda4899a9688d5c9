import type { LoggedShareSet } from '@sotto/verifier/custody'
import { CUSTODY_FLAGS, readCustodyLog } from '../../custodian/index.ts'
import { cliError } from '../../errors.ts'
import { type Command, defineCommand } from '../../framework/index.ts'
import { resolveLogUrl } from '../../log/index.ts'
import { readPolicy, resolvePolicyPath } from '../../service/index.ts'
import { printableLine } from '../../terminal/index.ts'

const { log, policy } = CUSTODY_FLAGS

/** `sotto custodian status` */
export const custodianStatus: Command = defineCommand({
  path: ['custodian', 'status'],
  summary: 'Show who holds shares of the root secret, as the log tells it',
  description:
    'Reads the log and nothing else: root key in force, newest shares, who acknowledged them, and the latest ' +
    'recovery sessions.',
  flags: { log, policy },
  examples: ['sotto custodian status --policy policy.json --log https://relay.example/log'],
  async run(context, _args, flags) {
    const pinned = await readPolicy(await resolvePolicyPath(context, flags))
    const { history, checkpoint } = await readCustodyLog(context, await resolveLogUrl(context, flags), pinned)
    if (history.genesis === undefined)
      throw cliError('CLI_REFUSED', 'the log does not hold the genesis your policy pins', {
        expected: pinned.genesis,
      })
    const { offered: newest } = history
    const result = {
      genesis: history.digest,
      size: checkpoint.size,
      rootKey: history.rootKey,
      rootGeneration: history.roots.length + 1,
      sessions: history.sessions.map(({ index }) => index),
      ...(newest !== undefined && { shares: describe(newest) }),
    }
    if (context.global.json) return context.json(result)
    context.out(`genesis   ${result.genesis}`)
    context.out(`root key  ${result.rootKey}, generation ${result.rootGeneration}`)
    if (result.shares === undefined) return context.out('shares    none')
    const { generation, threshold, custodians } = result.shares
    context.out(`shares    generation ${generation}, ${threshold} of ${custodians.length} open it`)
    for (const { index, name, acknowledged } of custodians)
      context.out(printableLine(`  ${index} ${name}: ${acknowledged ? 'acknowledged' : 'not yet'}`))
    if (result.sessions.length > 0) context.out(`recovery sessions at ${result.sessions.join(', ')}`)
  },
})

function describe({ document, acknowledgements }: LoggedShareSet): {
  generation: number
  threshold: number
  custodians: { index: number; name: string; acknowledged: boolean }[]
} {
  const { generation, threshold, shares } = document
  const custodians = shares.map(({ index, custodian }) => ({
    index,
    name: custodian,
    acknowledged: acknowledgements.has(index),
  }))
  return { generation, threshold, custodians }
}
