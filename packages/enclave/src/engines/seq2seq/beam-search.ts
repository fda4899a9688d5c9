import type { Generated } from './generate.ts'
import type { Processor } from './processors.ts'
import { logSoftmax, logSumExp, topOfRows, topPlaces } from './scores.ts'
import type { GenerationSettings } from './settings.ts'
import type { StepDecoder } from './step-decoder.ts'

/** The score of what must not be chosen; finite, as in transformers, so that sums stay comparable. */
const OUT = -1e9

interface Beam {
  readonly tokens: readonly number[]
  readonly logprobs: readonly number[]
  /** Single precision, as transformers keeps it: {@link OUT} swallows what is added to it. */
  readonly score: number
  /** Row of the step before that it continues. */
  readonly row: number
}

interface Finished {
  readonly beam: Beam
  readonly score: number
  readonly done: boolean
}

/**
 * Beam search over one input, step by step as `_beam_search` of transformers: twice as many candidates as beams
 * (more with several end tokens), so that enough unfinished ones go on; finished ones are ranked by
 * score / length ** lengthPenalty; the three kinds of `earlyStopping`.
 */
export async function searchBeams(
  decoder: StepDecoder,
  prompt: readonly number[],
  settings: GenerationSettings,
  processors: readonly Processor[],
  withLogprobs: boolean,
): Promise<Generated> {
  const { numBeams, eosTokenIds, maxLength } = settings
  const keep = Math.max(2, 1 + eosTokenIds.length) * numBeams
  const start: Beam = { tokens: prompt, logprobs: [], score: 0, row: 0 }
  // Only the first beam counts at first, so that the beams do not all say the same.
  let running: Beam[] = Array.from({ length: numBeams }, (_, i) => ({ ...start, score: i === 0 ? 0 : OUT }))
  let finished: Finished[] = running.map((beam) => ({ beam, score: OUT, done: false }))
  if (prompt.length >= maxLength) return { tokens: prompt, logprobs: [], score: 0 }

  for (let length = prompt.length; ; length++) {
    const candidates = await extend(
      decoder,
      running,
      length === prompt.length,
      processors,
      keep,
      withLogprobs,
    )
    const ended = candidates.map(
      ({ tokens }) => length + 1 >= maxLength || eosTokenIds.includes(tokens[length]!),
    )
    const alive = Float32Array.from(candidates, ({ score }, i) => score + (ended[i] ? OUT : 0))
    running = topPlaces(alive, numBeams).map((i) => ({ ...candidates[i]!, score: alive[i]! }))
    finished = best(finished, candidates, ended, length + 1 - prompt.length, settings)
    if (
      ended.every(Boolean) ||
      isOver(finished, running[0]!.score, length + 1 - prompt.length, prompt.length, settings)
    )
      break
  }
  const { beam, score } = finished[0]!
  return { tokens: beam.tokens, logprobs: beam.logprobs, score }
}

/** The likeliest continuations of all beams, best first. */
async function extend(
  decoder: StepDecoder,
  running: readonly Beam[],
  first: boolean,
  processors: readonly Processor[],
  keep: number,
  withLogprobs: boolean,
): Promise<Beam[]> {
  // In the first step all beams are equal: one row computes for all.
  const rows = first ? running.slice(0, 1) : running
  const step = await decoder.step(
    rows.map(({ tokens }) => tokens),
    rows.map(({ row }) => row),
  )
  const scored = step.scores.map((raw, row) => {
    const scores = logSoftmax(raw)
    for (const process of processors) process(rows[row]!.tokens, scores)
    return scores
  })
  const own = running.map((_, i) => scored[first ? 0 : i]!)
  const added = running.map(({ score }) => score)
  const totals = withLogprobs ? scored.map((scores) => logSumExp(scores, 0, scores.length)) : []
  return topOfRows(own, added, keep).map(({ row: beam, place: id, score }) => {
    const row = first ? 0 : beam
    const { tokens, logprobs } = running[beam]!
    return {
      tokens: [...tokens, id],
      logprobs: withLogprobs ? [...logprobs, scored[row]![id]! - totals[row]!] : logprobs,
      score,
      row,
    }
  })
}

/** The best of what was finished before and what ended now among the first `numBeams` candidates. */
function best(
  finished: readonly Finished[],
  candidates: readonly Beam[],
  ended: readonly boolean[],
  generated: number,
  { numBeams, lengthPenalty, earlyStopping }: GenerationSettings,
): Finished[] {
  const full = earlyStopping === true && finished.every(({ done }) => done)
  const ranked = candidates.map((beam, i): Finished => {
    const done = ended[i]! && i < numBeams
    const score = Math.fround(beam.score / generated ** lengthPenalty)
    return { beam, score: done && !full ? score : Math.fround(score + OUT), done }
  })
  const all = [...finished, ...ranked]
  return topPlaces(
    Float32Array.from(all, ({ score }) => score),
    numBeams,
  ).map((i) => all[i]!)
}

/** Whether nothing still running can better what is finished. */
function isOver(
  finished: readonly Finished[],
  bestRunning: number,
  generated: number,
  promptLength: number,
  { earlyStopping, lengthPenalty, maxLength }: GenerationSettings,
): boolean {
  if (earlyStopping === true && finished.every(({ done }) => done)) return true
  const length = earlyStopping === 'never' && lengthPenalty > 0 ? maxLength - promptLength : generated
  const possible = Math.fround(bestRunning / length ** lengthPenalty)
  const worst = Math.min(...finished.map(({ score }) => score))
  return !finished.some(({ done }) => possible > (done ? worst : OUT))
}
