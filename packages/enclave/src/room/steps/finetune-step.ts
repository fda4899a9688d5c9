import type { FinetuneTask, Name } from '@sotto/protocol/contract'
import { finetuneInProcess, type TuningText } from '../../train/process/index.ts'
import { deriveKey } from '../../train/random/streams.ts'
import type { MemoryFile } from '../inputs/memory-file.ts'
import type { StepResult } from '../results.ts'
import { openModelFiles } from './model-files.ts'
import { partsOf, statesOf, withTrainEngine } from './train-step.ts'
import type { Step } from './types.ts'

/**
 * A fine-tuning of the model that the contract pins, over texts, in a process of its own. Its chance follows from the secret of
 * the run: with it, the same texts have the same adapter.
 * @throws `ROOM_TASK` where this room trains nothing, or not such a model; codes of `finetuneInProcess`; `ROOM_INPUT`,
 *   `ROOM_FILES`
 */
export async function runFinetuneStep(step: Step, task: FinetuneTask): Promise<StepResult> {
  const { tools, transform, signal } = step
  const made: MemoryFile[] = []
  const secret = deriveKey(step.secret, `transform ${transform.name}`)
  try {
    return await withTrainEngine(tools, task, async (engine, threads) => {
      const texts = await openTexts(step, task)
      const model = await openModelFiles(step, task, 'gguf', made)
      const checkpoints = await statesOf(step)
      const { parts, figures } = await finetuneInProcess(engine, {
        ...(checkpoints && { checkpoints }),
        task,
        texts,
        model,
        parts: partsOf(step),
        threads,
        secret,
        signal,
        onProgress: ({ done, of, lossMicros }) => step.onProgress(done, of, lossMicros),
      })
      return { kind: 'trained', parts, figures }
    })
  } finally {
    secret.fill(0)
    for (const file of made) file.close()
  }
}

/** All inputs with texts that the task names, opened beside each other. */
async function openTexts({ inputs }: Step, task: FinetuneTask): Promise<TuningText[]> {
  const names = textsOf(task)
  const coming = names.map((name) => inputs.begin(name).whole)
  const texts: TuningText[] = []
  for (const [at, name] of names.entries()) {
    const { manifest, file } = await coming[at]!
    texts.push({ name, fd: file.fd, bytes: file.bytes, items: manifest.items })
  }
  return texts
}

function textsOf({ texts, validation }: FinetuneTask): Name[] {
  return validation && 'texts' in validation ? [...texts, ...validation.texts] : texts
}
