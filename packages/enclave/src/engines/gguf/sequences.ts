import type { LlamaContext, LlamaContextSequence, Token } from 'node-llama-cpp'
import { keyOf } from '../cache-salt.ts'
import { engineError } from '../errors.ts'

/** A prefix nobody came back for is erased after this long. */
const MAX_IDLE_MS = 300_000

/** A sequence of the context, for one request. */
export interface HeldSequence {
  readonly sequence: LlamaContextSequence
  /** Tokens at the start of the prompt that are evaluated already. At least one is always left to do. */
  readonly evaluated: number
  /** Erases it, or keeps what it holds for the next request with the same salt. */
  release(outcome: 'erase' | 'keep'): Promise<void>
}

interface Idle {
  readonly sequence: LlamaContextSequence
  readonly timer: NodeJS.Timeout
}

/**
 * The sequences of one context. A request gets an empty one, unless it brings a salt, a secret its client chose (T19):
 * then it may continue the last finished request with that very salt, as far as their tokens agree. Whoever does not
 * know the salt learns nothing of it, neither from answers nor from how long a prompt takes: no prefix is ever looked up
 * without it. Kept in memory for five minutes at most, and erased earlier when another request needs the place.
 */
export class Sequences {
  private readonly context: LlamaContext
  private readonly maxIdleMs: number
  /** By digest of the salt, the longest idle first. */
  private readonly idle = new Map<string, Idle>()

  constructor(context: LlamaContext, maxIdleMs = MAX_IDLE_MS) {
    this.context = context
    this.maxIdleMs = maxIdleMs
  }

  /** A sequence for this prompt. @throws `ENGINE_INPUT` for a salt that cannot hold 128 random bits */
  async take(prompt: readonly Token[], salt: string | undefined): Promise<HeldSequence> {
    const key = salt === undefined ? undefined : keyOf(salt)
    const kept = key === undefined ? undefined : await this.takeIdle(key, prompt)
    const sequence = kept?.sequence ?? (await this.empty())
    return {
      sequence,
      evaluated: kept?.evaluated ?? 0,
      release: async (outcome) => {
        if (outcome === 'keep' && key !== undefined && !sequence.disposed) await this.keep(key, sequence)
        else await sequence.dispose()
      },
    }
  }

  private async takeIdle(
    key: string,
    prompt: readonly Token[],
  ): Promise<{ sequence: LlamaContextSequence; evaluated: number } | undefined> {
    const found = this.idle.get(key)
    if (!found) return undefined
    this.idle.delete(key)
    clearTimeout(found.timer)
    const { sequence } = found
    const evaluated = Math.min(commonLength(sequence.contextTokens, prompt), prompt.length - 1)
    if (evaluated < sequence.nextTokenIndex)
      await sequence.eraseContextTokenRanges([{ start: evaluated, end: sequence.nextTokenIndex }])
    // Some architectures cannot forget a part: what is left then is what counts.
    if (sequence.nextTokenIndex === evaluated) return { sequence, evaluated }
    await sequence.dispose()
    return undefined
  }

  private async empty(): Promise<LlamaContextSequence> {
    while (this.context.sequencesLeft === 0) {
      const [oldest] = this.idle.keys()
      if (oldest === undefined) throw engineError('ENGINE_FAILED', 'more calls than sequences')
      await this.forget(oldest)
    }
    return this.context.getSequence({ contextShift: { strategy: refuseShift } })
  }

  private async keep(key: string, sequence: LlamaContextSequence): Promise<void> {
    await this.forget(key)
    const timer = setTimeout(() => void this.forget(key), this.maxIdleMs)
    timer.unref()
    this.idle.set(key, { sequence, timer })
  }

  private async forget(key: string): Promise<void> {
    const found = this.idle.get(key)
    if (!found) return
    this.idle.delete(key)
    clearTimeout(found.timer)
    await found.sequence.dispose()
  }
}

function commonLength(a: readonly Token[], b: readonly Token[]): number {
  const end = Math.min(a.length, b.length)
  for (let at = 0; at < end; at++) if (a[at] !== b[at]) return at
  return end
}

/** A shifted context would silently forget the beginning; lengths are checked so that it never comes to that. */
function refuseShift(): never {
  throw engineError('ENGINE_CONTEXT_OVERFLOW', 'the answer does not fit the context of this model')
}
