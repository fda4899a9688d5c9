import type { LineageLink, TracedRun } from '@sotto/protocol/training'
import { trainedStep } from '@sotto/protocol/training'
import { plain } from '../audit/plain.ts'
import { chargeWords, count, instant, names, privacyWords, short, size } from '../audit/words.ts'
import { type Lineage, LINEAGE_PARTS, type LineageInput, type LineagePart, partOf } from './lineage.ts'

/** A part of the chain in words, and the links by which it is held. */
export interface LineageStage {
  part: LineagePart
  /** How the part before it comes from it: `trained by`. */
  by: string
  /** Lines of text, the first of which says what it is. Names of others are in them as they wrote them. */
  lines: string[]
  /** What a party brought, each with lines of its own. */
  items: { owner?: string; lines: string[] }[]
  links: LineageLink[]
}

const BY: Readonly<Record<LineagePart, string>> = {
  answer: '',
  model: 'came from',
  run: 'was trained by',
  contract: 'under',
  inputs: 'which let it read',
}

/** The chain from its end to its beginning; an answer is a part of it where one was given. */
export function lineageStages(lineage: Lineage): LineageStage[] {
  return LINEAGE_PARTS.flatMap((part) => {
    const links = lineage.links.filter((one) => partOf(one) === part)
    // Nobody asked about an answer.
    if (part === 'answer' && links.every(({ status }) => status === 'missing')) return []
    const items = part === 'inputs' ? lineage.inputs.map(inputItem) : []
    return [{ part, by: BY[part], lines: LINES[part](lineage), items, links }]
  })
}

const LINES: { readonly [Part in LineagePart]: (lineage: Lineage) => string[] } = {
  answer: ({ answer }) =>
    answer === undefined
      ? ['an answer whose receipt does not hold']
      : [`an answer of model ${short(answer.model)}`, `after checkpoint ${answer.after.size} of the log`],
  model: ({ manifest, files, output }) => [
    manifest === undefined
      ? `output ${output}, whose files do not say what model they are`
      : `model ${manifest.id}: ${manifest.task}, ${manifest.engine}`,
    ...(manifest === undefined ? [] : [`digest ${manifest.digest}`]),
    ...files.map(({ name, bytes, sha256 }) => `file ${name}, ${size(bytes)}, sha256 ${short(sha256)}`),
  ],
  run: ({ run }) => (run === undefined ? ['a run of which something does not hold'] : runWords(run)),
  contract: ({ run, contract }) =>
    contract === undefined
      ? [run === undefined ? 'a contract' : `contract ${run.offer.contract}`, 'its text is with its parties']
      : [
          `contract ${contract.contract.title}`,
          `digest ${contract.digest}`,
          `parties ${names(contract.contract.parties.map(({ name }) => name))}`,
        ],
  inputs: ({ inputs, contract }) => [
    contract === undefined
      ? `${count(inputs.length, 'input')}, whose owners its parties know`
      : `${count(inputs.length, 'input')} of ${names([...new Set(inputs.map(({ owner }) => owner ?? 'nobody'))])}`,
  ],
}

/** Of the name of a chip: enough to tell a few apart. */
const HARDWARE_CHARACTERS = 32

function runWords(run: TracedRun): string[] {
  const { receipt, envelopes, provenance, offer } = run
  const { training } = trainedStep(run) ?? {}
  const { startedAt, finishedAt } = provenance.predicate
  return [
    `run ${short(run.run)}: ${offer.transform}, number ${receipt.sequence} of its contract`,
    `from ${instant(startedAt)} to ${instant(finishedAt)}`,
    ...(training === undefined
      ? []
      : [
          `${count(training.steps, 'step')}, ${
            training.epsilonMicros === undefined
              ? 'with no guarantee for those whose rows it read'
              : `with ${privacyWords(training.epsilonMicros, training.deltaTrillionths)} for each whose rows it read`
          }`,
        ]),
    `room image ${short(receipt.image)}, evidence ${short(receipt.evidence)}`,
    `on ${receipt.hardware.map((one) => plain(one, HARDWARE_CHARACTERS)).join(', ')}`,
    `KMS receipt ${short(envelopes.receipt)}, permit ${short(envelopes.permit)}`,
  ]
}

function inputItem({
  input,
  owner,
  content,
  sealed,
  model,
  charges,
}: LineageInput): LineageStage['items'][number] {
  return {
    ...(owner !== undefined && { owner }),
    lines: [
      owner === undefined ? input : `${input} of ${owner}`,
      `manifest ${short(content)}, sealed file ${short(sealed)}`,
      ...(model === undefined ? [] : [`model ${short(model)}`]),
      ...charges.map((charge) => `charged ${chargeWords(charge)}`),
    ],
  }
}
