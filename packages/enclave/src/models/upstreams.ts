import { serveError } from '@sotto/serve/errors'
import type { ServedModel } from '../api/index.ts'
import { createAnswerBudget, Upstream, type UpstreamConfig } from '../engines/index.ts'
import { serveUpstream } from './served-model.ts'

/**
 * Waits for every configured model server, all or nothing, and answers their models behind those given. `onFailed` is told
 * of one that comes back with another model later.
 * @throws `ENGINE_MODEL_INVALID`, `ENGINE_LOAD_FAILED`; `CONFIG_INVALID` for two models of one id
 */
export async function addUpstreams(
  models: readonly ServedModel[],
  configs: readonly UpstreamConfig[],
  now: () => number,
  onFailed?: (reason: Error) => void,
): Promise<ServedModel[]> {
  const options = { budget: createAnswerBudget(), ...(onFailed && { onFailed }) }
  const upstreams = await Promise.all(configs.map((config) => Upstream.open(config, options)))
  const all = [...models, ...upstreams.map((upstream) => serveUpstream(upstream, now()))]
  const ids = all.map(({ id }) => id)
  const twice = ids.find((id, at) => ids.indexOf(id) !== at)
  // Requests name models by it: which of the two answered would be chance.
  if (twice !== undefined) throw serveError('CONFIG_INVALID', `two models have the id ${twice}`)
  return all
}
