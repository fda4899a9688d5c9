import { type JudgedOffer, type RoomRun, statedIn } from '@sotto/client/rooms'
import { chargesOf, type ContractView, type NamedContract } from '@sotto/protocol/contract'
import { formatBytes } from '../../terminal/index.ts'
import { short } from '../items.ts'
import { count, showEpsilon, showTime } from './amounts.ts'
import { describeTask } from './task.ts'

/** The verified room of a run, in words. */
export function describeRoom({ room }: Pick<JudgedOffer, 'room'>): string[] {
  return [
    `room       verified: ${room.tuple} on ${room.hardware.join(', ')}`,
    ...room.images.map((image) => `image      ${image}`),
  ]
}

/**
 * What an owner consents to, in words: which room computes what of which data, with which arguments, for whom, and what
 * is left afterwards.
 * @param judged the offer, verified
 * @param view of the contract; undefined where the KMS does not know it
 */
export function describeRun(
  named: NamedContract,
  run: RoomRun,
  judged: JudgedOffer,
  view: ContractView | undefined,
): string[] {
  const { offer } = run.offered
  const { plan } = judged
  return [
    `run        ${run.run}`,
    `contract   ${short(named.digest)}, ${named.contract.title}`,
    `asked by   ${run.by} (so it says)${run.note === undefined ? '' : `: ${run.note}`}`,
    `good until ${showTime(offer.notAfter)}`,
    ...describeRoom(judged),
    'reads',
    ...offer.inputs.map(({ input, content }) => `  ${describeInput(named, view, input, content)}`),
    'computes',
    ...plan.transforms.flatMap(({ name, task }, at) => {
      const isLast = at === plan.transforms.length - 1
      const asked =
        task.kind === 'sql' && isLast
          ? { ...task, templates: task.templates.filter((one) => one.name === offer.template) }
          : task
      return [`  ${name}`, ...describeTask(asked).map((line) => `    ${line}`)]
    }),
    ...(offer.arguments.length === 0
      ? []
      : ['with', ...offer.arguments.map(({ name, value }) => `  $${name} = ${JSON.stringify(value)}`)]),
    'gives',
    ...plan.outputs.map(
      ({ name, receivers, maxBytes }) =>
        `  ${name}, at most ${formatBytes(maxBytes)}, to ${receivers.join(', ')}`,
    ),
    'costs',
    ...describeCharges(named, offer.transform, view).map((line) => `  ${line}`),
  ]
}

/** What a run takes of each budget, and what is left before it. */
function describeCharges(
  { contract }: NamedContract,
  transform: string,
  view: ContractView | undefined,
): string[] {
  return chargesOf(contract, transform).map((charge) => {
    const left = view?.left.find((one) => one.input === charge.input && one.transform === charge.transform)
    const noise =
      charge.epsilonMicros === undefined ? '' : ` and epsilon ${showEpsilon(charge.epsilonMicros)}`
    const rest =
      left === undefined
        ? ''
        : ` of ${left.runs} left${left.epsilonMicros === undefined ? '' : `, epsilon ${showEpsilon(left.epsilonMicros)} left`}`
    return `${charge.input} for ${charge.transform}: 1 run${noise}${rest}`
  })
}

/** What a run reads, and whether its owner says the same to the KMS. */
function describeInput(
  named: NamedContract,
  view: ContractView | undefined,
  input: string,
  content: string,
): string {
  const { owner } = named.contract.inputs.find(({ name }) => name === input)!
  const stated = view && statedIn(view, named, input)
  const said =
    stated && stated.content === content
      ? `version ${stated.version} of ${owner}, ${formatBytes(stated.bytes)} sealed`
      : `NOT what ${owner} states now`
  return `${input}: content ${content}, ${said}`
}

/** `2 runs left` of each budget. */
export function describeLeft({ left }: Pick<ContractView, 'left'>): string[] {
  return left.map(
    ({ input, transform, runs, epsilonMicros }) =>
      `${input} for ${transform}: ${count(runs, 'run')}${epsilonMicros === undefined ? '' : ` and epsilon ${showEpsilon(epsilonMicros)}`} left`,
  )
}
