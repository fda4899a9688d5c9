import { resolve } from 'node:path'
import { isTraining, type NamedContract, type TrainPrivacy } from '@sotto/protocol/contract'
import { cliError } from '../../errors.ts'
import { type Command, defineCommand } from '../../framework/index.ts'
import {
  count,
  describeContract,
  readDraft,
  readDraftFiles,
  showPrivacy,
  standInContract,
} from '../../room/index.ts'
import { formatBytes, printableLine } from '../../terminal/index.ts'
import { sizesOf, type TrainingSizes } from '../../training/index.ts'

/** `sotto train check DRAFT` */
export const trainCheck: Command = defineCommand({
  path: ['train', 'check'],
  summary: 'Say what a training of a draft costs and how large it is, without a service',
  description:
    'Computes the guarantee of each training as every party and the KMS will: epsilon and delta of one run, from its noise,\n' +
    'steps and rate. Says how large the model is, and whether the bound of its output is enough. --all prints all that the\n' +
    'contract of this draft would say, as sotto room draft check does.',
  arguments: [{ name: 'DRAFT', summary: 'the draft, YAML', required: true }],
  flags: { all: { type: 'boolean', summary: 'print the whole contract too' } },
  examples: ['sotto train check train.yaml', 'sotto train check train.yaml --json'],
  async run(context, [file = ''], flags) {
    const draft = await readDraft(resolve(context.io.cwd, file))
    const files = await readDraftFiles(draft, context.signal)
    const named = standInContract(draft, files, Math.floor(context.io.now() / 1000))
    const trainings = trainingsIn(named)
    if (trainings.length === 0)
      throw cliError('ROOM_DRAFT', `${draft.path}: nothing in it is trained`, {
        hint: 'sotto room draft check is for other computations; sotto train init writes a draft',
      })
    if (context.global.json) return context.json({ ok: true, trainings })
    if (flags.all)
      for (const line of describeContract(named, { isDraft: true })) context.out(printableLine(line))
    for (const training of trainings) for (const line of linesOf(training)) context.out(printableLine(line))
    for (const { output, maxBytes, needs } of trainings.flatMap(({ small }) => small))
      context.warn(
        `warning: the output ${output} may have ${formatBytes(maxBytes)}, and the model has about ${formatBytes(needs)}`,
      )
    context.note('nothing contradicts itself; sotto room propose shows it to the others')
  },
})

/** What is known of a training without a room. */
interface CheckedTraining extends Partial<TrainingSizes> {
  transform: string
  /** `lora` of a fine-tuning. */
  recipe: string
  /** Columns, or texts of a fine-tuning. */
  learnsFrom: number
  steps: number | undefined
  batch: number | undefined
  privacy: TrainPrivacy | undefined
  budgets: { input: string; owner: string; runs: number; epsilonMicros?: number; deltaTrillionths?: number }[]
  /** Outputs whose bound is too small. */
  small: { output: string; maxBytes: number; needs: number }[]
}

function trainingsIn({ contract: { transforms, inputs, outputs } }: NamedContract): CheckedTraining[] {
  return transforms.flatMap(({ name, task }) => {
    if (!isTraining(task)) return []
    const sizes = sizesOf(task)
    const { bytes: needs } = sizes
    const models = outputs.filter(({ from, part = 'model' }) => from === name && part === 'model')
    return [
      {
        transform: name,
        recipe: task.kind === 'train' ? task.recipe.kind : 'lora',
        learnsFrom: task.kind === 'train' ? task.data.features.length : task.texts.length,
        steps: task.descent?.steps,
        batch: task.descent?.batch,
        privacy: task.privacy,
        ...sizes,
        budgets: inputs.flatMap(({ name: input, owner, uses }) =>
          uses.flatMap(({ transform, ...budget }) =>
            transform === name ? [{ input, owner, ...budget }] : [],
          ),
        ),
        small: models.flatMap(({ name: output, maxBytes }) =>
          needs !== undefined && maxBytes < needs ? [{ output, maxBytes, needs }] : [],
        ),
      },
    ]
  })
}

function linesOf(training: CheckedTraining): string[] {
  const { transform, recipe, learnsFrom, places, parameters, steps, batch, privacy, budgets } = training
  const sizes =
    places === undefined
      ? count(learnsFrom, 'text')
      : `${count(learnsFrom, 'column')} in ${count(places, 'place')}`
  const weights = parameters === undefined ? '' : `, ${count(parameters, 'weight')}`
  return [
    `${transform}  ${recipe}: ${sizes}${weights}`,
    ...(steps === undefined
      ? []
      : [`  steps    ${steps} of ${count(batch ?? 0, recipe === 'lora' ? 'window' : 'row')}`]),
    privacy === undefined
      ? '  privacy  none: the model may tell of single rows'
      : `  privacy  ${showPrivacy(privacy)} a run, noise ${privacy.noiseMicros / 1e6}, rate ${privacy.sampleRateNanos / 1e9}`,
    ...budgets.map(({ input, owner, runs, epsilonMicros, ...delta }) => {
      const noise = epsilonMicros === undefined ? '' : `, ${showPrivacy({ epsilonMicros, ...delta })} in all`
      return `  budget   ${input} of ${owner}: ${count(runs, 'run')}${noise}`
    }),
  ]
}
