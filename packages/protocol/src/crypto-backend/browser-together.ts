import { equalBytes, toHex } from '../bytes/index.ts'
import { isPlain, isValidNatively, type Question } from './browser-native.ts'
import type { EcdsaCurveName } from './types.ts'

/** Runs of one judgement. What asks for more one after the other is verified in the last run, as without this. */
const MAX_RUNS = 6

/**
 * - `asked`: nobody knows yet, and meanwhile it is none
 * - `valid`: the platform or noble said so
 * - `open`: the platform did not say so, which decides nothing
 * - `invalid`: noble said so
 */
type Answer = 'asked' | 'valid' | 'open' | 'invalid'

interface Asked extends Question {
  answer: Answer
}

/** The signatures of one judgement. It is gone with it. */
class Judgement {
  /** Those that passed. */
  readonly keys = new Set<string>()
  /** By signature. */
  readonly #asked = new Map<string, Asked[]>()
  /** Answers that the runs so far did not have. */
  #awaited: Promise<void>[] = []
  /** Nothing is asked any more. */
  isLast = false

  get isWaiting(): boolean {
    return this.#awaited.length > 0
  }

  async wait(): Promise<void> {
    await Promise.all(this.#awaited)
    this.#awaited = []
  }

  answer(question: Question, decide: () => boolean): boolean {
    const named = toHex(question.signature)
    const known = this.#asked.get(named)?.find((asked) => isSame(asked, question))
    // What is not plain noble refuses at its first look.
    if (known === undefined) return this.isLast || !isPlain(question) ? decide() : this.#ask(named, question)
    if (known.answer === 'open') known.answer = decide() ? 'valid' : 'invalid'
    return known.answer === 'valid'
  }

  #ask(named: string, { algorithm, key, message, signature }: Question): false {
    // Copies: whoever asked may write over its own.
    const asked: Asked = {
      algorithm,
      key: key.slice(),
      message: message.slice(),
      signature: signature.slice(),
      answer: 'asked',
    }
    this.#asked.set(named, [...(this.#asked.get(named) ?? []), asked])
    this.#awaited.push(
      isValidNatively(asked).then((isValid) => {
        asked.answer = isValid ? 'valid' : 'open'
      }),
    )
    return false
  }
}

/** The judgement that runs now. Runs are synchronous, so that nothing else ever finds it. */
let current: Judgement | undefined

/**
 * See `PublicCrypto`. Whoever composes what is judged decides how much is asked for; each answer costs less than noble takes
 * for one.
 */
export async function verifyTogether<T>(judge: () => T, foresee?: () => void): Promise<T> {
  // Pages have it on https and on this machine only.
  if (globalThis.crypto?.subtle === undefined) return judge()
  const judgement = new Judgement()
  try {
    if (foresee !== undefined) runUnder(judgement, foresee)
  } catch {
    // What it did not get to is asked for by the judge.
  }
  for (let run = 1; run < MAX_RUNS; run++) {
    try {
      const result = runUnder(judgement, judge)
      if (!judgement.isWaiting) return result
    } catch (error) {
      if (!judgement.isWaiting) throw error
    }
    await judgement.wait()
  }
  judgement.isLast = true
  return runUnder(judgement, judge)
}

/** What is known of this signature, and where there is nothing to wait for, what `decide` says. */
export function answer(question: Question, decide: () => boolean): boolean {
  return current === undefined ? decide() : current.answer(question, decide)
}

/** Does `require` with a public key, in one judgement once for each that passes. */
export function requireOnce(
  algorithm: 'Ed25519' | EcdsaCurveName,
  key: Uint8Array,
  require: (key: Uint8Array) => void,
): void {
  const named = `${algorithm} ${current === undefined ? '' : toHex(key)}`
  if (current?.keys.has(named)) return
  require(key)
  current?.keys.add(named)
}

function runUnder<T>(judgement: Judgement, work: () => T): T {
  const outer = current
  current = judgement
  try {
    return work()
  } finally {
    current = outer
  }
}

/** Every byte that the answer depends on. */
function isSame(a: Question, b: Question): boolean {
  return (
    String(a.algorithm) === String(b.algorithm) &&
    equalBytes(a.signature, b.signature) &&
    equalBytes(a.key, b.key) &&
    equalBytes(a.message, b.message)
  )
}
