/** What a training of a contract learns, and what it makes of each input, in the words of model cards. */
import {
  type FinetuneTask,
  isTraining,
  type Name,
  type NamedContract,
  type TrainRecipe,
  type TrainTask,
} from '../contract/index.ts'
import type { TracedRun } from './traced-run.ts'

/** A task that learns. */
export type LearningTask = TrainTask | FinetuneTask

/** The task of a run; undefined: it is no training, or the contract is not here. */
export function learningTask(
  { offer }: Pick<TracedRun, 'offer'>,
  contract: NamedContract | undefined,
): LearningTask | undefined {
  const task = contract?.contract.transforms.find(({ name }) => name === offer.transform)?.task
  return task !== undefined && isTraining(task) ? task : undefined
}

const FAMILIES: Readonly<Record<TrainRecipe['kind'], string>> = {
  linear: 'linear model',
  mlp: 'multi-layer perceptron',
  gbdt: 'gradient-boosted trees',
  graph: 'neural network',
}

/** What kind of model it is, and how and for what it was trained: members of `modelParameters`. */
export function learnedParameters(task: LearningTask): {
  approach: { type: 'supervised' | 'self-supervised' }
  task: string
  architectureFamily: string
} {
  if (task.kind === 'finetune')
    return {
      approach: { type: 'self-supervised' },
      task: 'text-generation',
      architectureFamily: 'transformer, fine-tuned by LoRA',
    }
  return {
    approach: { type: 'supervised' },
    task: task.data.label.kind === 'category' ? 'classification' : 'regression',
    architectureFamily: FAMILIES[task.recipe.kind],
  }
}

/** What is made of an input. `told of`: the model says something about its rows, and has nothing of them. */
export type InputUse = 'learned from' | 'begun with' | 'measured with' | 'told of' | 'read'

/** What a training makes of one of its inputs. */
export function useOf(task: LearningTask, input: Name): InputUse {
  if (learnedFrom(task).includes(input)) return 'learned from'
  if (begunWith(task) === input) return 'begun with'
  if (measuredWith(task).includes(input)) return 'measured with'
  return task.kind === 'train' && task.predict?.table === input ? 'told of' : 'read'
}

function learnedFrom(task: LearningTask): readonly Name[] {
  return task.kind === 'finetune' ? task.texts : task.data.tables
}

function begunWith(task: LearningTask): Name | undefined {
  if (task.kind === 'finetune') return task.model
  return task.recipe.kind === 'graph' ? task.recipe.model : undefined
}

function measuredWith({ validation }: LearningTask): readonly Name[] {
  if (validation === undefined || 'splitNanos' in validation) return []
  return 'texts' in validation ? validation.texts : validation.tables
}
