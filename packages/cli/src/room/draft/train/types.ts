import type {
  Descent,
  FinetuneTask,
  Name,
  TrainPrivacy,
  TrainRecipe,
  TrainTask,
} from '@sotto/protocol/contract'
import type { Digest } from '@sotto/protocol/keyrelease'

/** What is trained. Of a graph, what is not known before its files are read is a path, relative to the folder of the draft. */
export type DraftRecipe =
  | Exclude<TrainRecipe, { kind: 'graph' }>
  | (Omit<TrainRecipe & { kind: 'graph' }, 'digest'> & { digest: Digest | { path: string } })

/** A guarantee as people ask for it: by what it may cost, or by the noise. */
export type DraftPrivacy = Omit<TrainPrivacy, 'sampleRateNanos' | 'noiseMicros' | 'epsilonMicros'> & {
  /** `epsilon`: what a run is charged with. Default: what the noise is proven to cost. */
  epsilonMicros: number | undefined
  /** `noise`. Default: the least with which a run costs no more than `epsilon`. */
  noiseMicros: number | undefined
  /** `sample_rate`. Default: rows of a step over those of all contributors. */
  sampleRateNanos: number | undefined
  /** `contributors`: how many there are of all tables together, as everybody may know. */
  contributors: number | undefined
}

/** `batch` default: 256 rows (of a fine-tuning 8 windows), and of fewer contributors all of theirs. */
export type DraftDescent = Omit<Descent, 'batch'> & { batch: number | undefined }

/** `train`: a training as a draft has it. */
export type DraftTrain = Omit<TrainTask, 'recipe' | 'data' | 'descent' | 'privacy' | 'metrics'> & {
  recipe: DraftRecipe
  /** `tables` default: all that the transform reads and nothing else is said of. */
  data: Omit<TrainTask['data'], 'tables'> & { tables: Name[] | undefined }
  /** Of all recipes but trees. */
  descent: DraftDescent | undefined
  privacy: DraftPrivacy | undefined
  /** Default: all that fit the label, where there are rows to measure with. */
  metrics: TrainTask['metrics'] | undefined
}

/** `finetune`: an adapter of a model, as a draft has it. */
export type DraftFinetune = Omit<FinetuneTask, 'digest' | 'texts' | 'descent' | 'privacy' | 'metrics'> & {
  digest: Digest | { path: string }
  /** Default: all that the transform reads and nothing else is said of. */
  texts: Name[] | undefined
  descent: DraftDescent
  privacy: DraftPrivacy | undefined
  /** Default: the loss, where there are texts to measure with that are not protected. */
  metrics: FinetuneTask['metrics'] | undefined
}
