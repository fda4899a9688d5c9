import type { Sotto } from '@sotto/client'
import type { EngineProcess } from '../../packages/enclave/src/engines/index.ts'

/** One transcription, in milliseconds. */
export interface RecordingRun {
  /** From the call to the whole transcript. */
  totalMs: number
  /** The same without the time the engine computed: upload, decoding, waiting, answer. */
  onWayMs: number
}

const PIECE_BYTES = 65_536

/** Transcribes with an engine of this process. */
export async function recordingDirect(engine: EngineProcess, recording: Uint8Array): Promise<RecordingRun> {
  const started = process.hrtime.bigint()
  let text = ''
  for await (const event of engine.transcribeFile(pieces(recording)))
    if (event.type === 'done') text = event.text
  return runOf(started, text)
}

/** Transcribes through relay and gateway. */
export async function recordingThrough(
  sotto: Sotto,
  model: string,
  recording: Uint8Array<ArrayBuffer>,
): Promise<RecordingRun> {
  const started = process.hrtime.bigint()
  const form = new FormData()
  form.append('model', model)
  form.append('file', new Blob([recording]), 'recording.wav')
  const response = await sotto.fetch(`${sotto.baseURL}/audio/transcriptions`, { method: 'POST', body: form })
  if (!response.ok) throw new Error(`the service answered ${response.status}: ${await response.text()}`)
  const { text } = (await response.json()) as { text: string }
  return runOf(started, text)
}

function runOf(started: bigint, text: string): RecordingRun {
  const total = process.hrtime.bigint() - started
  const [entered, emitted, waiting] = text.split('@').slice(1, 4).map(BigInt)
  if (waiting === undefined) throw new Error('the transcript carried no stamps')
  const computed = emitted! - entered! - waiting
  return { totalMs: Number(total) / 1e6, onWayMs: Number(total - computed) / 1e6 }
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES)
}
