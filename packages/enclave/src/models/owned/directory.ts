import { SottoError } from '@sotto/protocol/errors'
import {
  formatModelName,
  isModelName,
  isRemovedBy,
  type ModelName,
  type ModelRemoval,
  type ModelStatement,
  ownerTag,
  parseModelName,
} from '@sotto/protocol/sealed-models'
import { createConcurrencyLimiter } from '@sotto/serve/limits'
import type { DescribedModel, ServedModel } from '../../api/index.ts'
import type { EngineHost } from '../../engines/index.ts'
import { serveModel } from '../served-model.ts'
import { ownedModelError } from './errors.ts'
import { createFailures } from './failures.ts'
import { heldModel, type Hold } from './lease.ts'
import { loadOwnedModel } from './load.ts'
import type { ModelRegistry } from './registry.ts'
import { type Claim, type Loaded, Shelf, type ShelfLimits } from './shelf.ts'
import type { Statements } from './statements.ts'

/** Models that load at once; each takes a core and a few blocks of memory. */
const LOADS = { running: 2, waiting: 64 }
/** How long a released key is taken for a word of the KMS that its model may be served, milliseconds. */
const CONFIRM_MS = 1_800_000
/** After that long without such a word the model is not served any more. */
const UNCONFIRMED_MS: number = 2 * CONFIRM_MS

/** Models of owners, as this enclave serves them. */
export interface OwnedModels {
  /**
   * The model of this name, loaded if it is not; undefined for a name that no owner's model has.
   * @throws the codes of `OwnedModelErrorCode`, of the sealed format and of `EngineHost.start`
   */
  find(name: string): Promise<ServedModel | undefined>
  /** What its owner says about it; nothing is loaded for that. @throws as `Statements.find` */
  describe(name: string): Promise<DescribedModel | undefined>
  /** A statement has passed through here: whoever asks from now on gets that version. */
  published(statement: Pick<ModelStatement, 'owner' | 'name'>): void
  /** A removal has passed through here: no new use of what it covers begins. */
  removed(removal: ModelRemoval): void
  /** What time asks for: pinned models are loaded, idle, removed and expired ones put away. Never throws. */
  tick(): Promise<void>
  close(): Promise<void>
}

/** What {@link createOwnedModels} needs. */
export interface OwnedModelsOptions {
  registry: Pick<ModelRegistry, 'read'>
  statements: Statements
  host: Pick<EngineHost, 'start'>
  /** Asks the KMS for the content key of an artifact. @throws the codes of the release */
  releaseKey(statement: Pick<ModelStatement, 'artifact' | 'owner'>): Promise<Uint8Array>
  limits: ShelfLimits
  /** Names of models that are loaded ahead and never put away. */
  pinned: readonly string[]
  /** What this enclave makes of a model before anybody gets it; throws for one that it must not serve. */
  prepare(model: ServedModel): ServedModel
  /** Unix seconds. */
  now: () => number
  /** Milliseconds that never go back. Default `performance.now`. */
  monotonicNow?: () => number
  onFailed?: (error: unknown) => void
}

/** Makes {@link OwnedModels}. Nothing is loaded yet. */
export function createOwnedModels(options: OwnedModelsOptions): OwnedModels {
  const { registry, statements, host, now, monotonicNow = () => performance.now() } = options
  const shelf = new Shelf<ServedModel>(options.limits, monotonicNow)
  const failures = createFailures(monotonicNow)
  const loads = createConcurrencyLimiter(LOADS)
  const served = new Map<string, { statement: ModelStatement; confirmedAt: number }>()

  async function contentKey(statement: ModelStatement): Promise<Uint8Array> {
    try {
      return await options.releaseKey(statement)
    } catch (cause) {
      const { code, action, found } = cause instanceof SottoError ? cause : ({} as Partial<SottoError>)
      const why = { found: found ?? code ?? 'INTERNAL', cause }
      throw action === 'retry'
        ? ownedModelError('OWNED_MODEL_UNREACHABLE', 'the key of this model cannot be had now', why)
        : ownedModelError('OWNED_MODEL_REFUSED', 'the KMS does not release the key of this model here', why)
    }
  }

  async function load(
    statement: ModelStatement,
    key: string,
    hold: Hold,
    claim: Claim,
  ): Promise<Loaded<ServedModel>> {
    const engine = await loads.run(() => loadOwnedModel(statement, { registry, host, contentKey, claim }))
    try {
      const model = options.prepare({ ...serveModel(engine, now()), id: nameOf(statement) })
      served.set(key, { statement, confirmedAt: monotonicNow() })
      return { value: heldModel(model, hold), close: () => engine.close() }
    } catch (cause) {
      await engine.close()
      throw ownedModelError('OWNED_MODEL_REFUSED', 'this service declares no such use of what it is sent', {
        found: statement.task,
        cause,
      })
    }
  }

  async function serve(statement: ModelStatement, isPinned: boolean): Promise<ServedModel> {
    const key = keyOf(statement)
    const failure = failures.find(key)
    if (failure !== undefined) throw failure
    try {
      return await shelf.get({
        key,
        owner: statement.owner,
        bytes: statement.bytes,
        isPinned,
        load: (hold, claim) => load(statement, key, hold, claim),
      })
    } catch (error) {
      // Another moment has other places; everything else is remembered for a while.
      if (!isBusy(error)) failures.add(key, error as Error)
      throw error
    }
  }

  /** Why a model that is loaded must not be served any more, or nothing. */
  async function findEnd(key: string): Promise<Error | undefined> {
    const entry = served.get(key)
    if (entry === undefined) return undefined
    try {
      await requireShown(entry.statement)
      const age = monotonicNow() - entry.confirmedAt
      if (age < CONFIRM_MS) return undefined
      // The registry is not trusted to say that a model was removed: the KMS, which forgot its key, is.
      const again = await contentKey(entry.statement)
      again.fill(0)
      entry.confirmedAt = monotonicNow()
      return undefined
    } catch (error) {
      const isOver = monotonicNow() - entry.confirmedAt > UNCONFIRMED_MS
      return isOver || (error as SottoError).action !== 'retry' ? (error as Error) : undefined
    }
  }

  /** A registry that is away says nothing about a model: the KMS is asked all the same. @throws as `Statements.find` */
  async function requireShown(statement: ModelStatement): Promise<void> {
    try {
      await statements.find({ ...nameParts(statement), version: statement.version })
    } catch (error) {
      if ((error as SottoError).action !== 'retry') throw error
    }
  }

  /** One at a time: loading what is pinned may take longer than the next one waits. */
  let ticking: Promise<void> | undefined
  async function tick(): Promise<void> {
    await Promise.all(
      shelf.keys.map(async (key) => {
        const reason = await findEnd(key)
        if (reason !== undefined) shelf.end(key, reason)
      }),
    )
    shelf.sweep()
    for (const key of served.keys()) if (!shelf.keys.includes(key)) served.delete(key)
    const current = await Promise.all(
      options.pinned.map(async (name) => {
        try {
          const statement = await statements.find(parseModelName(name))
          await serve(statement, true)
          return keyOf(statement)
        } catch (error) {
          options.onFailed?.(error)
          return undefined
        }
      }),
    )
    // A newer version takes the place of the one that was pinned under a name without a version.
    if (!current.includes(undefined)) shelf.pin(new Set(current as string[]))
  }

  return {
    async find(name) {
      if (!isModelName(name)) return undefined
      const statement = await statements.find(parseModelName(name))
      return serve(statement, isPinnedBy(options.pinned, statement))
    },
    async describe(name) {
      if (!isModelName(name)) return undefined
      const statement = await statements.find(parseModelName(name))
      const { task, model: digest, createdAt } = statement
      const isPinned = isPinnedBy(options.pinned, statement)
      const owner = ownerTag(statement.owner)
      return { id: nameOf(statement), task, digest, createdAt, owner, ...(isPinned && { pinned: true }) }
    },
    published: ({ owner, name }) => statements.forget(ownerTag(owner), name),
    removed(removal) {
      const { owner, name } = removal
      statements.forget(ownerTag(owner), name)
      const reason = ownedModelError('OWNED_MODEL_ENDED', 'its owner removed this model')
      // Removals are public: whoever sends an old one again ends nothing that was published since.
      for (const [key, { statement }] of served) if (isRemovedBy(statement, removal)) shelf.end(key, reason)
    },
    tick() {
      ticking ??= tick().finally(() => {
        ticking = undefined
      })
      return ticking
    },
    close: () => shelf.close(),
  }
}

function nameParts({ owner, name }: ModelStatement): ModelName {
  return { tag: ownerTag(owner), name }
}

function nameOf(statement: ModelStatement): string {
  return formatModelName({ ...nameParts(statement), version: statement.version })
}

/** One sealed file under one name: an owner may sign two statements for one version. */
function keyOf(statement: ModelStatement): string {
  return `${nameOf(statement)} ${statement.digest}`
}

function isPinnedBy(pinned: readonly string[], statement: ModelStatement): boolean {
  return pinned.includes(nameOf(statement)) || pinned.includes(formatModelName(nameParts(statement)))
}

function isBusy(error: unknown): boolean {
  return (
    error instanceof SottoError && ['OWNED_MODEL_BUSY', 'OWNED_MODEL_ENDED', 'HTTP_BUSY'].includes(error.code)
  )
}
