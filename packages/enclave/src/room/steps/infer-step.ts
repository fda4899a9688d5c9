import type { InferTask, Name } from '@sotto/protocol/contract'
import type { EngineProcess } from '../../engines/index.ts'
import { roomRoleError } from '../errors.ts'
import type { StepResult } from '../results.ts'
import { answererOf } from './infer-actions.ts'
import { withPinnedModel } from './pinned-model.ts'
import type { Step } from './types.ts'

/** Texts that are embedded at once. */
const EMBED_BATCH = 32

/**
 * A pinned model over every item of what the step reads, in order: no item fails alone, for which one did would tell
 * about it.
 * @throws `ROOM_TASK`, `ROOM_INPUT`, `ROOM_FILES`, codes of the engines
 */
export async function runInferStep(step: Step, task: InferTask): Promise<StepResult> {
  const items = await itemsOf(step, task)
  const engine = await loadModel(step, task)
  try {
    if (task.action === 'embed') return await embed(engine, items as string[], step)
    const answer = answererOf(engine, task)
    const texts: string[] = []
    let bytes = 0
    for (const item of items) {
      step.signal.throwIfAborted()
      const text = await answer(item, step.signal)
      bytes += text.length
      requireRoom(bytes, step)
      texts.push(text)
      step.onProgress(texts.length, items.length)
    }
    if (task.action === 'transcribe') for (const text of texts) step.onTranscript(text)
    return { kind: 'texts', texts }
  } finally {
    await engine.close()
  }
}

/** Items of all that the step reads besides its model: of inputs, and of the results of other steps. */
async function itemsOf(
  { transform, inputs, results }: Step,
  { model, action }: InferTask,
): Promise<(string | Uint8Array)[]> {
  const items: (string | Uint8Array)[] = []
  for (const name of transform.reads) {
    if (name === model) continue
    for (const item of action === 'transcribe' ? await recordingsOf(name) : await textsOf(name))
      items.push(item)
  }
  return items

  async function recordingsOf(name: Name): Promise<readonly Uint8Array[]> {
    if (inputs.find(name)?.kind === 'audio') return inputs.items(name)
    throw cannot(`transcribe ${name}, which is no recording`)
  }

  async function textsOf(name: Name): Promise<readonly string[]> {
    if (inputs.find(name)?.kind === 'text') return inputs.texts(name)
    const result = results.get(name)
    if (result?.kind === 'texts') return result.texts
    throw cannot(`${action} ${name}, which is no text`)
  }
}

/** The model that the contract pins: no other weights answer. */
async function loadModel(step: Step, task: InferTask): Promise<EngineProcess> {
  return withPinnedModel(step, task, (manifest, files) => step.tools.host.start({ manifest, files }))
}

async function embed(engine: EngineProcess, texts: readonly string[], step: Step): Promise<StepResult> {
  const vectors: Float32Array[] = []
  for (let at = 0; at < texts.length; at += EMBED_BATCH) {
    const inputs = texts.slice(at, at + EMBED_BATCH)
    const result = await engine.embed({ inputs }, { signal: step.signal })
    vectors.push(...result.vectors)
    requireRoom(vectors.length * (vectors[0]?.byteLength ?? 0), step)
    step.onProgress(vectors.length, texts.length)
  }
  return { kind: 'vectors', vectors }
}

/** Before more of it is made than may leave. */
function requireRoom(bytes: number, { maxBytes }: Step): void {
  if (bytes <= maxBytes) return
  throw roomRoleError('ROOM_OUTPUT', 'what the model makes is larger than agreed', {
    expected: `at most ${maxBytes} bytes`,
  })
}

function cannot(what: string): Error {
  return roomRoleError('ROOM_TASK', `this room cannot ${what}`)
}
