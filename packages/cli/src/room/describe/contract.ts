import { fingerprint } from '@sotto/client/rooms'
import type { Contract, NamedContract } from '@sotto/protocol/contract'
import { formatBytes } from '../../terminal/index.ts'
import { showTime } from './amounts.ts'
import { describeRules, describeUses } from './rules.ts'
import { describePart } from './part.ts'
import { describeTask } from './task.ts'

/** What is known beside a contract. */
export interface ContractContext {
  /** Key of whoever reads this. */
  ownKey?: string
  /** Without keys: what was made up for a draft that nobody proposed. */
  isDraft?: boolean
}

/**
 * All that a contract says, in words: what somebody has to have read before they sign it. One line each, perhaps with
 * foreign text, which the caller makes printable.
 */
export function describeContract(
  { contract, digest }: NamedContract,
  { ownKey, isDraft = false }: ContractContext = {},
): string[] {
  const { title, notBefore, notAfter, consent, outputs } = contract
  return [
    `title     ${title}`,
    ...(isDraft ? [] : [`contract  ${digest}`, `for the KMS of genesis ${contract.genesis}`]),
    `valid     ${showTime(notBefore)} until ${showTime(notAfter)}`,
    'parties',
    ...contract.parties.map(
      (party) =>
        `  ${party.name.padEnd(12)} ${isDraft ? '(its key is that of the member)' : fingerprint(party)}${party.key === ownKey ? '  (you)' : ''}`,
    ),
    'inputs',
    ...describeInputs(contract),
    'computations',
    ...contract.transforms.flatMap(({ name, reads, room, task }) => [
      `  ${name} reads ${reads.join(', ')}`,
      ...describeTask(task, contract.inputs).map((line) => `    ${line}`),
      `    in a room of ${isDraft ? 'the image that is verified when it is proposed, or one named here' : `image ${room.join(' or ')}`}`,
    ]),
    'outputs',
    ...outputs.map(
      (output) =>
        `  ${output.name}${describePart(contract, output)} of ${output.from}, at most ${formatBytes(output.maxBytes)}, for ${output.receivers.join(', ')}`,
    ),
    `events without content in the log: ${consent.logging ? 'yes' : 'no'}; counts of runs in metrics: ${consent.telemetry ? 'yes' : 'no'}`,
  ]
}

function describeInputs({ inputs }: Contract): string[] {
  return inputs.flatMap((input) => {
    const { name, owner, kind, columns, content } = input
    return [
      `  ${name}: ${kind} of ${owner}`,
      ...(columns
        ? [`    columns: ${columns.map((column) => `${column.name} ${column.type}`).join(', ')}`]
        : []),
      content === undefined
        ? '    content: whatever its owner adds; each run names it'
        : `    content agreed on: ${content}`,
      ...[...describeRules(input), ...describeUses(input)].map((line) => `    ${line}`),
    ]
  })
}
