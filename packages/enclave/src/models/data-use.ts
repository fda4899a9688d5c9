import { type DataTask, type DataUse, describeDataUse } from '@sotto/protocol/data-use'
import { serveError } from '@sotto/serve/errors'
import type { ServedModel } from '../api/index.ts'
import { engineError } from '../engines/index.ts'

/** Everything a model can be asked to do with content. */
type Operation = {
  [Name in keyof ServedModel]-?: NonNullable<ServedModel[Name]> extends (...args: never[]) => unknown
    ? Name
    : never
}[keyof ServedModel]

/** What each operation uses content for. An operation that is added and does not stand here does not compile. */
const OPERATIONS = {
  generate: 'text-generation',
  summarize: 'summarization',
  embed: 'embedding',
  infer: 'tensors',
} as const satisfies Record<Exclude<Operation, 'transcribe'>, DataTask>

/**
 * The model with the operations that the declared data use covers, and no others (T20): whatever weights an operator
 * adds, this enclave does nothing with content that its release does not say.
 * Calls for another task throw `ENGINE_UNSUPPORTED`.
 * @throws `CONFIG_INVALID` for a model of which nothing is left
 */
export function limitToDataUse(model: ServedModel, dataUse: DataUse | undefined): ServedModel {
  if (dataUse === undefined) return model
  const allows = (task: DataTask): boolean => dataUse.tasks.includes(task)
  const limited: ServedModel = { ...model }
  for (const [operation, task] of Object.entries(OPERATIONS) as [keyof typeof OPERATIONS, DataTask][])
    if (!allows(task)) delete limited[operation]
  const { transcribe } = model
  if (transcribe !== undefined) {
    delete limited.transcribe
    if (allows('transcription') || allows('translation')) {
      limited.transcribe = (file, params, signal) => {
        const task = params.task === 'translate' ? 'translation' : 'transcription'
        if (!allows(task))
          throw engineError('ENGINE_UNSUPPORTED', `this service declares no ${task} of what it is sent`)
        return transcribe(file, params, signal)
      }
    }
  }
  if ([...Object.keys(OPERATIONS), 'transcribe'].some((operation) => operation in limited)) return limited
  throw serveError('CONFIG_INVALID', `config.dataUse declares nothing that model ${model.id} does`, {
    expected: describeDataUse(dataUse),
    found: model.task,
  })
}
