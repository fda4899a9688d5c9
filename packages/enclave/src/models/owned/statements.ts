import { SottoError } from '@sotto/protocol/errors'
import {
  formatModelName,
  type ModelName,
  type ModelReader,
  type ModelStatement,
  requireAskedFor,
  verifyLoggedDocument,
} from '@sotto/protocol/sealed-models'
import { ownedModelError } from './errors.ts'
import type { ModelRegistry } from './registry.ts'

/** How long an answer of the registry is used, milliseconds: so much later a removal is noticed at the latest. */
const STATEMENT_MS = 60_000
/** The same for "there is none": an owner who publishes does not wait for it. */
const REFUSAL_MS = 2000
/** Names that are remembered: anybody may ask for any name. */
const MAX_REMEMBERED = 1024

/** What owners say about their models, each verified. */
export interface Statements {
  /**
   * @throws `OWNED_MODEL_UNKNOWN`, `OWNED_MODEL_ENDED`, `OWNED_MODEL_UNREACHABLE`
   */
  find(name: ModelName): Promise<ModelStatement>
  /** Ask the registry again next time. */
  forget(tag: string, name: string): void
}

/** What {@link createStatements} needs. */
export interface StatementsOptions {
  registry: Pick<ModelRegistry, 'find'>
  /** Genesis, log and witnesses of the measured policy. */
  reader: ModelReader
  /** Unix seconds. */
  now: () => number
  /** Milliseconds that never go back. Default `performance.now`. */
  monotonicNow?: () => number
}

/**
 * Statements as the registry has them, but for nothing that it could make up: owner's signature, deployment, name and
 * inclusion in the witnessed log are verified. What it can do is to hide a model, or to show an older version.
 */
export function createStatements(options: StatementsOptions): Statements {
  const { registry, reader, now, monotonicNow = () => performance.now() } = options
  const known = new Map<string, { until: number; answer: Promise<ModelStatement> }>()

  async function ask(name: ModelName): Promise<ModelStatement> {
    const logged = await registry.find(name)
    try {
      const { document } = verifyLoggedDocument('statement', logged, reader)
      requireAskedFor(document, name)
      return document
    } catch (cause) {
      throw ownedModelError('OWNED_MODEL_UNKNOWN', 'the registry does not prove what it says of this model', {
        found: cause instanceof SottoError ? cause.code : 'INTERNAL',
        cause,
      })
    }
  }

  function remember(key: string, name: ModelName): Promise<ModelStatement> {
    const entry = { until: monotonicNow() + STATEMENT_MS, answer: ask(name) }
    entry.answer.catch(() => {
      entry.until = Math.min(entry.until, monotonicNow() + REFUSAL_MS)
    })
    known.delete(key)
    known.set(key, entry)
    if (known.size > MAX_REMEMBERED) known.delete(known.keys().next().value!)
    return entry.answer
  }

  return {
    async find(name) {
      const key = formatModelName(name)
      const entry = known.get(key)
      const statement = await (entry !== undefined && entry.until > monotonicNow()
        ? entry.answer
        : remember(key, name))
      if (statement.expiresAt === undefined || statement.expiresAt > now()) return statement
      throw ownedModelError('OWNED_MODEL_ENDED', 'the time that its owner gave this model is over')
    },
    forget(tag, name) {
      for (const key of known.keys())
        if (key === `${tag}/${name}` || key.startsWith(`${tag}/${name}:`)) known.delete(key)
    },
  }
}
