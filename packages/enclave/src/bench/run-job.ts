import { createReadStream, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { engineError } from '../engines/errors.ts'
import type { EngineHost, EngineProcess, ModelBytes } from '../engines/index.ts'
import type { BenchAnswer, BenchJob, SpeechJob, SpeechResult, TextJob, TextResult } from './job.ts'
import { measurePerplexity } from './perplexity.ts'
import { measureSpeed } from './speed.ts'

/** Told how far a job has come. */
export type OnProgress = (done: number, of: number) => void

/** Loads the model of a job into an engine process, measures it, and ends the process. @throws what engines throw */
export async function runJob(host: EngineHost, job: BenchJob, onProgress: OnProgress): Promise<BenchAnswer> {
  const files = new Map<string, ModelBytes>(
    job.manifest.files.map(({ name }) => [name, readPieces(join(job.folder, name), name)]),
  )
  const started = performance.now()
  const engine = await host.start({
    manifest: job.manifest,
    files,
    concurrency: 1,
    ...(job.threads !== undefined && { threads: job.threads }),
    ...(job.kind === 'text' && { contextTokens: job.chunkTokens }),
  })
  const loadMs = performance.now() - started
  try {
    return job.kind === 'text'
      ? { type: 'text', result: await measureText(engine, job, loadMs, onProgress) }
      : { type: 'speech', result: await measureSpeech(engine, job, loadMs, onProgress) }
  } finally {
    await engine.close()
  }
}

async function measureText(
  engine: EngineProcess,
  job: TextJob,
  loadMs: number,
  onProgress: OnProgress,
): Promise<TextResult> {
  // Refuses a text that is too short before anything long begins.
  const perplexity = await measurePerplexity(engine, job.text, job.chunkTokens, onProgress)
  const speed = await measureSpeed(engine, job.text, job)
  const contextTokens = engine.info.contextTokens ?? 0
  return { loadMs, contextTokens, memoryBytes: peakMemory(engine), ...perplexity, ...speed }
}

async function measureSpeech(
  engine: EngineProcess,
  job: SpeechJob,
  loadMs: number,
  onProgress: OnProgress,
): Promise<SpeechResult> {
  const recordings: SpeechResult['recordings'][number][] = []
  // Once before: what is done only for the first recording is no part of how fast the model is.
  if (job.audio.length > 0) await transcribe(engine, job.audio[0]!)
  for (const path of job.audio) {
    const started = performance.now()
    const { text, audioSeconds } = await transcribe(engine, path)
    recordings.push({ text, audioSeconds, computeMs: performance.now() - started })
    onProgress(recordings.length, job.audio.length)
  }
  return { loadMs, memoryBytes: peakMemory(engine), recordings }
}

async function transcribe(
  engine: EngineProcess,
  path: string,
): Promise<{ text: string; audioSeconds: number }> {
  for await (const event of engine.transcribeFile(readPieces(path, 'the recording')))
    if (event.type === 'done') return { text: event.text, audioSeconds: event.durationSeconds }
  throw engineError('ENGINE_PROTOCOL', 'a transcript without an end')
}

/**
 * Most memory the engine process has had at once (`VmHWM`): Node, the runtime, its context, and the weights, which lie
 * in a file in memory that it maps.
 */
function peakMemory({ pid }: EngineProcess): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}

async function* readPieces(path: string, name: string): AsyncGenerator<Uint8Array, void> {
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }))
      yield chunk as Uint8Array
  } catch (cause) {
    throw engineError('ENGINE_MODEL_INVALID', `${name} cannot be read`, { cause })
  }
}
