import type { Name } from '@sotto/protocol/contract'
import type { FoundColumn } from './column-types.ts'

/** What a draft of a training is written with. */
export interface DraftWish {
  /** Members of the room; the first brings the file. */
  parties: readonly Name[]
  /** Of the input of each party, behind its name. */
  table: Name
  columns: readonly FoundColumn[]
  label: string
  /** Says who contributed a row. */
  contributor?: string
  recipe: string
  privacy?: { epsilon: string; delta: string; contributors: number }
  /** How many rows are measured with: `0.2`. */
  validation?: string
}

const MAX_TITLE = 64
const MAX_NAME = 32

/** Stands where parties have to agree on something: no contract is made of it. */
export const TO_AGREE = '"?"'

/**
 * A draft, as YAML. It has names and types of the owner's columns. Bounds and values are left to be agreed on: found in
 * data, they would tell the other parties, who read the draft, of the rows.
 */
export function draftText(wish: DraftWish): string {
  const { parties, table, columns, label, contributor, recipe, privacy, validation } = wish
  const receivers = listOf(parties)
  const inputs = parties.map((party) => inputNameOf(party, table))
  const features = columns.filter(({ name }) => name !== label && name !== contributor)
  const isBoolean = columns.find(({ name }) => name === label)?.type === 'boolean'
  const isMeasured = validation !== undefined
  return [
    `# One model, trained on rows of ${parties.join(', ')}.`,
    `# ${TO_AGREE} is what all parties have to agree on: bounds and values that everybody may know. Do not look them up`,
    '# in your data: the others read this draft, and what stands here would tell them of your rows.',
    `title: ${JSON.stringify(`One model of ${label}`.slice(0, MAX_TITLE))}`,
    `parties: ${receivers}`,
    'inputs:',
    ...parties.flatMap((party, at) => inputLines(party, inputs[at]!, wish)),
    'transforms:',
    '  train:',
    `    reads: ${listOf(inputs)}`,
    '    train:',
    `      recipe: ${recipe}`,
    '      features:',
    ...features.map(featureLine),
    isBoolean
      ? `      label: {${wordOf(label)}: boolean}`
      : `      label: {${wordOf(label)}: ${TO_AGREE}} # bounds, like 0..100, or classes: [low, high]`,
    ...(privacy === undefined
      ? []
      : [
          `      privacy: {epsilon: ${privacy.epsilon}, delta: ${privacy.delta}, contributors: ${privacy.contributors}}`,
        ]),
    ...(isMeasured ? [`      validation: ${validation} # of all contributors, drawn by chance`] : []),
    ...(isMeasured && privacy !== undefined
      ? ['      metrics_epsilon: 1 # what figures cost beside the model']
      : []),
    `      show: ${privacy === undefined ? 'loss' : 'steps'} # what parties see while it runs`,
    'outputs:',
    `  model: {from: train, receivers: ${receivers}, max_bytes: 16MiB}`,
    ...(isMeasured
      ? [`  figures: {from: train, part: metrics, receivers: ${receivers}, max_bytes: 64KiB}`]
      : []),
    '',
  ].join('\n')
}

/** Input of a party. */
export function inputNameOf(party: Name, table: Name): Name {
  return `${party}-${table}`.slice(0, MAX_NAME)
}

function inputLines(
  party: Name,
  input: Name,
  { parties, columns, contributor, privacy }: DraftWish,
): string[] {
  const typed = columns.map(({ name, type }) => `${wordOf(name)}: ${type}`).join(', ')
  return [
    `  ${wordOf(input)}:`,
    `    owner: ${wordOf(party)}`,
    '    kind: table',
    `    columns: {${typed}}`,
    '    rules:',
    `      receivers: ${listOf(parties)}`,
    ...(contributor === undefined ? [] : [`      contributor: ${wordOf(contributor)}`]),
    ...(privacy !== undefined && contributor !== undefined
      ? ['      noisy: true # nothing leaves without a guarantee']
      : []),
  ]
}

function listOf(names: readonly Name[]): string {
  return `[${names.map(wordOf).join(', ')}]`
}

/** A name as YAML reads it: these words would be something else. */
function wordOf(name: string): string {
  return /^(?:null|true|false)$/i.test(name) ? JSON.stringify(name) : name
}

const HINTS: Readonly<Record<FoundColumn['type'], string>> = {
  boolean: '',
  integer: ' # bounds, like 0..1000',
  number: ' # bounds, like 0.00..9.99',
  text: ' # values, like [card, transfer]; leave it out where everybody has another one',
  date: ' # values; leave it out where every row has another one',
  timestamp: ' # values; leave it out where every row has another one',
}

function featureLine({ name, type }: FoundColumn): string {
  return `        ${wordOf(name)}: ${type === 'boolean' ? type : TO_AGREE}${HINTS[type]}`
}
