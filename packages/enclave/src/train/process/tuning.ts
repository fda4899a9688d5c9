import type { TextSource } from '../data/read-texts.ts'
import { roomTrainError } from '../errors.ts'
import { runFinetune, type TunedModel } from '../task/finetune/index.ts'
import type { LearnOptions, TrainingResult } from '../task/index.ts'
import type { ModelFileMessage, Question, TextMessage } from './messages.ts'
import { readFile } from './read-file.ts'

/** What a training has besides its files. */
export interface TuningOptions extends Pick<LearnOptions, 'from' | 'onProgress'> {
  /** Of this run only. */
  readonly secret: Uint8Array
}

/** Tunes what the room asks for, of files that it gave. @throws codes of training */
export function tuneFiles(
  { task, texts, model, parts, threads }: Question & { ask: 'finetune' },
  options: TuningOptions,
): Promise<TrainingResult> {
  return runFinetune({
    task,
    model: modelOf(model, threads),
    texts: new Map(texts.map((text) => [text.name, sourceOf(text)])),
    parts: new Map(parts),
    threads,
    ...options,
  })
}

/** @throws `ROOM_TRAIN_GRAPH` for more than weights: an adapter that is left out would be missed */
function modelOf(files: readonly ModelFileMessage[], threads: number): TunedModel {
  const [file, ...others] = files
  if (file?.role !== 'weights' || others.length > 0)
    throw roomTrainError('ROOM_TRAIN_GRAPH', 'the model is not one file of weights')
  return {
    get bytes() {
      return readFile(file)
    },
    openTokenizer: () => openTokenizer(file, threads),
  }
}

async function openTokenizer(
  file: ModelFileMessage,
  threads: number,
): ReturnType<TunedModel['openTokenizer']> {
  // Here: a training over tables needs no llama.cpp.
  const gguf = await import('../../engines/gguf/tokenizer.ts')
  const { name, role, fd, bytes: size } = file
  const weights = { name, role, size, path: `/proc/self/fd/${fd}`, bytes: () => readFile(file) } as const
  try {
    return await gguf.openTokenizer({ files: new Map([[name, { ...weights, role: 'weights' }]]), threads })
  } catch (cause) {
    throw roomTrainError('ROOM_TRAIN_GRAPH', 'the model has no tokenizer that can be opened', { cause })
  }
}

function sourceOf(text: TextMessage): TextSource {
  const { name, items, bytes: size } = text
  return {
    name,
    items,
    size,
    get bytes() {
      return readFile(text)
    },
  }
}
