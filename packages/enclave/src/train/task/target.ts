import type { TrainColumn } from '@sotto/protocol/contract'
import type { LossKind } from '@sotto/protocol/train-graph'
import type { Task } from '../evaluate/figures.ts'

/** What a label asks of a model. */
export interface Target {
  readonly task: Task
  /** Classes of the label; 0 for numbers. */
  readonly classes: number
  /** Numbers that the model gives of a row: of two classes one, the log odds of the second. */
  readonly outputs: number
  readonly loss: LossKind
}

/** The loss follows from the label: squared error of numbers, log loss of classes. */
export function targetOf(label: TrainColumn): Target {
  if (label.kind === 'number') return { task: 'number', classes: 0, outputs: 1, loss: 'squared' }
  const classes = label.values.length
  return classes === 2
    ? { task: 'two', classes, outputs: 1, loss: 'binary' }
    : { task: 'many', classes, outputs: classes, loss: 'cross-entropy' }
}
