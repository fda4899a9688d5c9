import { engineError } from '../engines/errors.ts'
import type { EngineProcess } from '../engines/index.ts'

/** How long a text model takes. Times in milliseconds. */
export interface Speed {
  readonly promptTokens: number
  readonly promptMs: number
  readonly generatedTokens: number
  readonly generateMs: number
}

/** So many prompts, and parts of the answer, of which the fastest counts: it is the one that others disturbed least. */
const PROMPTS = 3
const PARTS = 4
/** Answers at most: a model that always ends at once is not measured for ever. */
const MAX_ANSWERS = 16
/** Fewer tokens between first and last say little. */
const MIN_TOKENS = 4

/**
 * Measures what a client of the engine waits for: a prompt until its first token is there, and each token after that.
 * Prompts are parts of `text`. Where an answer ends by itself, another one goes on. Whole calls are timed, never the
 * time between events: where this process has to wait for the processor, they come all at once.
 *
 * @throws `ENGINE_FAILED` for a model that answers next to nothing
 */
export async function measureSpeed(
  engine: EngineProcess,
  text: string,
  wanted: { promptTokens: number; generateTokens: number },
): Promise<Speed> {
  const context = engine.info.contextTokens ?? Infinity
  const tokens = await engine.tokenize(text)
  const promptTokens = Math.min(wanted.promptTokens, tokens.length, Math.floor(context / 2))
  const short = tokens.slice(0, Math.max(1, Math.min(8, Math.floor(context / 8))))
  let [promptMs, firstMs] = [Infinity, Infinity]
  for (let run = 0; run < PROMPTS; run++) {
    const start = Math.min(run * promptTokens, tokens.length - promptTokens)
    const prompt = await answer(engine, tokens.slice(start, start + promptTokens), 1, run)
    promptMs = Math.min(promptMs, prompt.ms)
    firstMs = Math.min(firstMs, (await answer(engine, short, 1, run)).ms)
  }
  const part = Math.min(Math.ceil(wanted.generateTokens / PARTS) + 1, context - short.length - 1)
  let best: { tokens: number; ms: number } | undefined
  for (let seed = 0, all = 0; all < wanted.generateTokens && seed < MAX_ANSWERS; seed++) {
    const whole = await answer(engine, short, part, seed)
    const rest = { tokens: whole.tokens - 1, ms: afterFirst(whole, firstMs) }
    all += Math.max(0, rest.tokens)
    if (rest.tokens < Math.min(MIN_TOKENS, part - 1)) continue
    if (best === undefined || rest.ms / rest.tokens < best.ms / best.tokens) best = rest
  }
  if (best === undefined) throw engineError('ENGINE_FAILED', 'the model answers next to nothing')
  return { promptTokens, promptMs, generatedTokens: best.tokens, generateMs: best.ms }
}

/**
 * What the tokens after the first took. Where the first one was held up so long that it cannot be told from the rest, all
 * count alike: rather too slow than too fast.
 */
function afterFirst(whole: { tokens: number; ms: number }, firstMs: number): number {
  return firstMs < whole.ms / 2 ? whole.ms - firstMs : (whole.ms * (whole.tokens - 1)) / whole.tokens
}

/** One answer: its tokens, and the time from the call to its end. */
async function answer(
  engine: EngineProcess,
  prompt: readonly number[],
  maxTokens: number,
  seed: number,
): Promise<{ tokens: number; ms: number }> {
  const started = performance.now()
  for await (const event of engine.generate({ prompt, maxTokens, sampling: { temperature: 1, seed } }))
    if (event.type === 'done') return { tokens: event.usage.outputTokens, ms: performance.now() - started }
  throw engineError('ENGINE_PROTOCOL', 'an answer without an end')
}
