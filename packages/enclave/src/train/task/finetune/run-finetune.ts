import type { FinetuneTask, OutputPart } from '@sotto/protocol/contract'
import type { Tokenizer } from '../../data/texts.ts'
import { roomTrainError } from '../../errors.ts'
import { exportLoraGguf } from '../../export/lora-gguf.ts'
import { exportLoraSafetensors } from '../../export/lora-safetensors.ts'
import { Chance } from '../../random/streams.ts'
import type { LearnOptions } from '../learned.ts'
import { makeParts } from '../make-parts.ts'
import type { TrainingResult } from '../run-training.ts'
import { requireKnownWords, tuningGraphs, type TuningGraphs } from './graphs.ts'
import { requireFinetune } from './require-finetune.ts'
import { tune, type Tuned, tuningMetrics } from './tune.ts'
import { readWindows, type Texts, type TuningWindows } from './windows.ts'

/** A model to tune, in GGUF. Its owner controls every byte. */
export interface TunedModel {
  readonly bytes: Uint8Array
  /** Opens the tokenizer of the same file. @throws `ROOM_TRAIN_GRAPH` */
  openTokenizer(): Promise<Tokenizer & { close(): Promise<void> }>
}

/** One run of a fine-tuning. */
export interface FinetuneRun extends Partial<LearnOptions> {
  readonly task: FinetuneTask
  readonly model: TunedModel
  readonly texts: Texts
  /** What is wanted, and bytes of each at most. */
  readonly parts: ReadonlyMap<OutputPart, number>
  /** 32 bytes of this run only, from which all of its chance follows: whoever has them and the adapter has the texts. */
  readonly secret: Uint8Array
}

/**
 * Tunes what a task says. The same task, model, texts and secret have the same parts, on processors of one kind. Under a
 * guarantee what is refused depends on the model, on how many texts there are and how large all of them are, on weights that
 * have noise and on texts whose owners let exact figures out.
 * @throws codes of training
 */
export async function runFinetune(run: FinetuneRun): Promise<TrainingResult> {
  const { task, model, parts, secret, threads = 1, signal, from, onProgress } = run
  requireFinetune(task)
  const chance = new Chance(secret)
  const isCompared = parts.has('metrics')
  // All that can be wrong with the model is found before texts are read.
  const graphs = tuningGraphs(task, model.bytes)
  const windows = await windowsOf(run, graphs, chance)
  const options = {
    threads,
    isCompared,
    ...(signal && { signal }),
    ...(from && { from }),
    ...(onProgress && { onProgress }),
  }
  const tuned = await tune(task, graphs, windows, chance, options)
  const made = await makeParts(parts, (part) => makePart(part, graphs, tuned))
  const { steps, reason } = tuned
  return { parts: made, figures: { steps, reason, graph: graphs.digest } }
}

async function windowsOf(
  { task, model, texts, parts }: FinetuneRun,
  graphs: TuningGraphs,
  chance: Chance,
): Promise<TuningWindows> {
  const isMeasured = parts.has('metrics') || task.descent.stopEarly !== undefined
  const tokenizer = await model.openTokenizer()
  try {
    requireKnownWords(graphs, tokenizer)
    return await readWindows(task, texts, tokenizer, chance, isMeasured)
  } finally {
    await tokenizer.close()
  }
}

function makePart(part: OutputPart, { adapter }: TuningGraphs, tuned: Tuned): Uint8Array {
  switch (part) {
    case 'model':
      return exportLoraGguf(adapter, tuned.values)
    case 'safetensors':
      return exportLoraSafetensors(adapter, tuned.values)
    case 'metrics':
      return tuningMetrics(tuned)
    case 'predictions':
      throw roomTrainError('ROOM_TRAIN_SETTINGS', 'the task makes no such part')
  }
}
