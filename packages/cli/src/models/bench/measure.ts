import type { BenchModel } from './model.ts'
import { type Figures, speechFigures, textFigures } from './figures.ts'
import type { BenchProcess } from './process.ts'
import type { Recordings } from './recordings.ts'
import { cliError } from '../../errors.ts'

/** What models are measured on. */
export interface BenchInputs {
  readonly text: string
  readonly recordings: Recordings | undefined
  /** Tokens of a chunk of the perplexity, 512 in llama.cpp. */
  readonly chunkTokens: number
  readonly promptTokens: number
  readonly generateTokens: number
  readonly threads: number | undefined
}

/** Measures one model. @throws `BENCH_FAILED`, `ROLE_FAILED`, `CLI_USAGE` */
export async function measureModel(
  bench: BenchProcess,
  model: BenchModel,
  inputs: BenchInputs,
  onProgress: (done: number, of: number) => void,
): Promise<Figures> {
  const { kind, manifest, folder, label } = model
  const { recordings, threads } = inputs
  const job = { kind, manifest, folder, ...(threads !== undefined && { threads }) }
  if (kind === 'text') {
    const { text, chunkTokens, promptTokens, generateTokens } = inputs
    const answer = await bench.run({ ...job, text, chunkTokens, promptTokens, generateTokens }, onProgress)
    if (answer.type !== 'text' || answer.result.scored < 2) throw otherAnswer()
    return textFigures(label, answer.result)
  }
  if (recordings === undefined)
    throw cliError('CLI_USAGE', `${label.file} is a speech model: it needs recordings`, {
      hint: 'pass --audio FILE --reference TEXT, or --audio FOLDER with a ref.json',
    })
  const answer = await bench.run({ ...job, audio: recordings.paths }, onProgress)
  if (answer.type !== 'speech' || answer.result.recordings.length !== recordings.paths.length)
    throw otherAnswer()
  return speechFigures(label, answer.result, recordings.references)
}

function otherAnswer(): Error {
  return cliError('ROLE_FAILED', 'the process that measures answered another job')
}
