import { toHex } from '@sotto/protocol/bytes'
import { SottoError } from '@sotto/protocol/errors'
import { encodeDocument } from '@sotto/protocol/keyrelease'
import {
  formatModelName,
  type LoggedModelDocument,
  loggedModelDocumentDecoder,
  MAX_LIST_BYTES,
  MAX_LOGGED_BYTES,
  MODEL_NAME,
  type ModelList,
  modelListDecoder,
  type ModelStatement,
  OWNER_TAG,
  ownerTag,
  parseModelName,
  requireAskedFor,
  sealedModelError,
  verifyLoggedDocument,
  verifyOwnerDocument,
} from '@sotto/protocol/sealed-models'
import type { TrustedService, TrustPolicy } from '@sotto/verifier'
import { requirementsOf } from '@sotto/verifier/bundle'
import { modelContent } from './content.ts'
import { otherProof, policyDigest, signImport, signStatement } from './documents.ts'
import { innerApi } from './inner-api.ts'
import { removeModel } from './remove.ts'
import { sealingSecrets } from './owner.ts'
import { openSealed, SEALED_CHUNK_BYTES, sealOnTheWay, type SealedModel } from './seal.ts'
import type { PublishedModel, PublishOptions, SottoModels } from './types.ts'
import { upload } from './upload.ts'

/** What {@link createModels} needs of a connection. */
export interface ModelsOptions {
  fetch: typeof globalThis.fetch
  /** Verified now: its genesis is where models go, its import key what content keys are wrapped to. */
  service: () => Promise<TrustedService>
  policy: Pick<TrustPolicy, 'log' | 'witnesses'>
  /** Unix seconds. */
  now: () => number
}

const LOGGED = { decoder: loggedModelDocumentDecoder, maxBytes: MAX_LOGGED_BYTES }
const LIST = { decoder: modelListDecoder, maxBytes: MAX_LIST_BYTES }
/** Changes whenever the same content would be sealed to other bytes: two ways must not share a key. */
const SEALING = `sotto-sealing/1 ${SEALED_CHUNK_BYTES}`
/** Pages of a list at most: 64 models each, far more than any quota. */
const MAX_PAGES = 1024

/** Models of owners through a verified connection, but for running them. */
export function createModels({ fetch, service, policy, now }: ModelsOptions): Omit<SottoModels, 'run'> {
  const api = innerApi(fetch)
  const log = requirementsOf(policy)

  function listed(query: Record<string, string>, signal?: AbortSignal): Promise<ModelList> {
    return api.call('GET', `?${new URLSearchParams(query).toString()}`, LIST, { signal })
  }

  /**
   * The version that is to be published, or what is published already: an owner who did not hear the answer to the
   * same model under the same conditions gets it, and no second version.
   */
  async function nextVersion(
    { owner, name, policy: own, expiresAt, signal }: PublishOptions,
    model: string,
  ): Promise<number | PublishedModel> {
    const { models, highest = 0 } = await listed({ owner: owner.tag, name }, signal)
    const current = await service()
    const newest = models.at(-1)
    if (newest === undefined) return highest + 1
    const { envelope } = newest
    const statement = verifyOwnerDocument('statement', envelope, current.genesis)
    requireAskedFor(statement, { tag: owner.tag, name })
    const isSame =
      statement.version === highest &&
      statement.model === model &&
      statement.policy === policyDigest(own, current) &&
      statement.expiresAt === expiresAt
    return isSame ? show(formatModelName({ tag: owner.tag, name, version: highest }), signal) : highest + 1
  }

  async function show(text: string, signal?: AbortSignal): Promise<PublishedModel> {
    const name = parseModelName(text)
    const { genesis } = await service()
    return read(await api.call('GET', `/${formatModelName(name)}`, LOGGED, { signal }), name, genesis)
  }

  async function publish(
    model: SealedModel,
    version: number,
    options: PublishOptions,
  ): Promise<PublishedModel> {
    const { owner, name, signal } = options
    const { genesis } = await service()
    await upload(api, model, owner, {
      genesis,
      now,
      partBytes: options.partBytes,
      onBytes: options.onUploaded,
      signal,
    })
    // An upload takes a while: the key that the content key is wrapped to is one that was verified just now.
    const current = await service()
    const { policy: own, expiresAt } = options
    const about = { name, version, policy: own, createdAt: now(), expiresAt }
    const statement = signStatement(model, owner, current, about)
    const body = encodeDocument({ import: signImport(model.id, owner, current, about), statement })
    const logged = await api.call('PUT', `/${owner.tag}/${name}`, LOGGED, { body, signal })
    if (logged.envelope !== statement) throw otherProof('statement')
    return read(logged, { tag: owner.tag, name, version }, genesis)
  }

  /**
   * As {@link publish}; where another program of the owner published the same meanwhile, that is the answer. One that is
   * about to has given its key to the KMS: then this one's import is made again, later than that.
   */
  async function publishOnce(
    model: SealedModel,
    version: number,
    options: PublishOptions,
    isAgain = false,
  ): Promise<PublishedModel> {
    try {
      return await publish(model, version, options)
    } catch (error) {
      const found = error instanceof SottoError ? error.found : undefined
      const isOvertaken = found === 'KMS_ARTIFACT_REPLAY'
      if ((found !== 'REGISTRY_VERSION' && !isOvertaken) || options.version !== undefined) throw error
      const newest = await nextVersion(options, model.manifest.digest)
      if (typeof newest !== 'number') return newest
      if (!isOvertaken || isAgain) throw error
      return publishOnce(model, version, options, true)
    }
  }

  function read(
    logged: LoggedModelDocument,
    asked: { tag: string; name: string; version?: number },
    genesis: string,
  ): PublishedModel {
    const { document } = verifyLoggedDocument('statement', logged, { genesis, log })
    requireAskedFor(document, asked)
    return published(document, logged.index)
  }

  async function list(
    query: { owner: string; name?: string },
    signal?: AbortSignal,
  ): Promise<PublishedModel[]> {
    const { genesis } = await service()
    const all: PublishedModel[] = []
    let after: string | undefined
    for (let page = 0; page < MAX_PAGES; page++) {
      const { models, next } = await listed({ ...query, ...(after !== undefined && { after }) }, signal)
      for (const { envelope, index } of models) {
        const statement = verifyOwnerDocument('statement', envelope, genesis)
        requireAskedFor(statement, { tag: query.owner, name: query.name ?? statement.name })
        all.push(published(statement, index))
      }
      if (next === undefined) break
      after = next
    }
    return all
  }

  return {
    async upload(files, options) {
      requireName(options.name)
      const { owner, name, signal, onPrepared } = options
      const content = await modelContent(files, name, options.about, signal)
      const version = options.version ?? (await nextVersion(options, content.manifest.digest))
      if (typeof version !== 'number') return version
      // Another deployment has other keys: one that is only for trying things must not open what another serves.
      const { genesis } = await service()
      const { id, salt } = sealingSecrets(owner, [SEALING, genesis, content.metadata, name, String(version)])
      const sealed = await sealOnTheWay(content, owner, {
        id: toHex(id),
        salt,
        ...(signal && { signal }),
        ...(onPrepared && { onBytes: onPrepared }),
      })
      return publishOnce({ ...sealed, manifest: content.manifest }, version, options)
    },
    async push(sealed, options) {
      requireName(options.name)
      const { owner, signal, onPrepared } = options
      const model = await openSealed(sealed, owner, {
        ...(signal && { signal }),
        ...(onPrepared && { onBytes: onPrepared }),
      })
      const version = options.version ?? (await nextVersion(options, model.manifest.digest))
      return typeof version === 'number' ? publishOnce(model, version, options) : version
    },
    list(tag, signal) {
      if (!OWNER_TAG.test(tag)) throw sealedModelError('MODEL_NAME', 'this is no tag of an owner')
      return list({ owner: tag }, signal)
    },
    show,
    async remove(name, { owner, version = 'all', signal }) {
      requireName(name)
      const current = await service()
      const shown = (await list({ owner: owner.tag, name }, signal)).map(({ statement }) => statement)
      return removeModel(api, shown, { owner, name, version, service: current, log, now, signal })
    },
  }
}

function published(statement: ModelStatement, index: number): PublishedModel {
  const { owner, name, version } = statement
  return { id: formatModelName({ tag: ownerTag(owner), name, version }), statement, index }
}

/** @throws `MODEL_NAME` */
function requireName(name: string): void {
  if (!MODEL_NAME.test(name))
    throw sealedModelError('MODEL_NAME', 'a model cannot have that name', { expected: MODEL_NAME.source })
}
