/** Whether a fine-tuning fits what it reads. */
import type { FinetuneTask } from './finetune-task.ts'
import type { Input, Name } from './types.ts'

/**
 * What is wrong with a fine-tuning; undefined: nothing.
 * @param transform its name
 * @param reads names of all that it reads
 * @param read the inputs among them
 */
export function findFinetuneContradiction(
  transform: Name,
  { model, texts, validation }: FinetuneTask,
  reads: readonly Name[],
  read: readonly Input[],
): string | undefined {
  const measured = validation && 'texts' in validation ? validation.texts : []
  const all = [...texts, ...measured]
  const unread = [...all, model].find((name) => !reads.includes(name))
  if (unread !== undefined) return `${transform} does not read ${unread}`
  const unused = reads.find((name) => !all.includes(name) && name !== model)
  if (unused !== undefined) return `${transform} reads ${unused}, and makes nothing of it`
  if (new Set(all).size !== all.length)
    return `${transform} has a text in two places: it is learned from, or measured with`
  const inputOf = new Map(read.map((input) => [input.name, input]))
  if (inputOf.get(model)?.kind !== 'model') return `${transform} tunes ${model}, which is no model of a party`
  const other = all.find((name) => inputOf.get(name)?.kind !== 'text')
  if (other !== undefined) return `${transform} trains on ${other}, which is no text of a party`
  // Weights are no text: nobody sees in them which passages they repeat. A room refuses them, also of what is only measured.
  const counted = all.find((name) => inputOf.get(name)!.rules.maxCommonWords !== undefined)
  return counted && `${transform} reads ${counted}, of which its owner lets out only passages`
}
