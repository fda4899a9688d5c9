import { type Contract, isTraining, type Output } from '@sotto/protocol/contract'

/** ` (model)`: what of a training an output is; of another computation it is all that comes of it. */
export function describePart(
  { transforms }: Contract,
  { from, part }: Pick<Output, 'from' | 'part'>,
): string {
  const task = transforms.find(({ name }) => name === from)?.task
  if (part === undefined && (task === undefined || !isTraining(task))) return ''
  return ` (${part ?? 'model'})`
}
