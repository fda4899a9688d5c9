import { type Contract, isTraining, type Output } from '@sotto/protocol/contract'
import { words } from '../../words/index.ts'

/** What of a training an output is; undefined of another computation, all of whose result it is. */
export function partOf(
  { transforms }: Pick<Contract, 'transforms'>,
  { from, part = 'model' }: Pick<Output, 'from' | 'part'>,
): string | undefined {
  const say = words.rooms.contracts.training
  const task = transforms.find(({ name }) => name === from)?.task
  if (task === undefined || !isTraining(task)) return undefined
  return task.kind === 'finetune' && part === 'model' ? say.adapter : say.parts[part]
}
