import type { LogClient } from '@sotto/serve/log-client'
import { createSealedModels, type SealedModelsOptions, type ServedModel } from '../api/index.ts'
import type { EngineHost } from '../engines/index.ts'
import { createOwnedModels, createRegistry, createStatements, type OwnedModels } from '../models/index.ts'
import { obtainArtifactKeys, type ObtainContext } from '../release/index.ts'
import type { InferenceConfig } from './config.ts'

/** What the role lends its owners' models. */
export interface OwnedModelsParts extends Omit<ObtainContext, 'artifacts'> {
  log: LogClient
  host: EngineHost
  /** See `OwnedModelsOptions`. */
  prepare(model: ServedModel): ServedModel
  onFailed(error: unknown): void
}

/** Models of owners with the routes by which owners bring them; undefined where the configuration names no registry. */
export function openOwnedModels(
  { registry: configured, models: { loaded }, policy, kms }: InferenceConfig,
  parts: OwnedModelsParts,
): { models: OwnedModels; routes: ReturnType<typeof createSealedModels> } | undefined {
  if (configured === undefined) return undefined
  const { host, prepare, onFailed, ...release } = parts
  const registry = createRegistry(configured.url)
  const { pinned, ...limits } = loaded
  const witnesses = policy.witnesses.keys.filter(
    ({ operator }) => !operator || policy.witnesses.allowOperatorWitnesses,
  )
  const statements = createStatements({
    registry,
    now: release.now,
    reader: {
      genesis: policy.genesis,
      log: {
        origin: policy.log.origin,
        logKey: policy.log.key,
        witnessKeys: witnesses.map(({ key }) => key),
        quorum: policy.witnesses.quorum,
      },
    },
  })
  const models = createOwnedModels({
    registry,
    statements,
    host,
    limits,
    pinned,
    prepare,
    onFailed,
    now: release.now,
    async releaseKey({ artifact, owner }) {
      const keys = await obtainArtifactKeys({ ...release, artifacts: [artifact] }, owner)
      return keys.get(artifact)!
    },
  })
  const passing: SealedModelsOptions = {
    kmsUrls: kms.urls,
    registryUrl: configured.url,
    genesis: policy.genesis,
    onPublished: models.published,
    onRemoved: models.removed,
  }
  return { models, routes: createSealedModels(passing) }
}
