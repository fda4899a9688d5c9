import { type JudgedOffer, type RoomRun, statedIn } from '@sotto/client/rooms'
import { chargesOfRun, type ContractView, type NamedContract, type RunOffer } from '@sotto/protocol/contract'
import { formatBytes } from '../../terminal/index.ts'
import { short } from '../items.ts'
import { count, showPrivacy, showTime } from './amounts.ts'
import { describePart } from './part.ts'
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
      return [`  ${name}`, ...describeTask(asked, named.contract.inputs).map((line) => `    ${line}`)]
    }),
    ...(offer.arguments.length === 0
      ? []
      : ['with', ...offer.arguments.map(({ name, value }) => `  $${name} = ${JSON.stringify(value)}`)]),
    'gives',
    ...plan.outputs.map(
      (output) =>
        `  ${output.name}${describePart(named.contract, output)}, at most ${formatBytes(output.maxBytes)}, to ${output.receivers.join(', ')}`,
    ),
    'costs',
    ...describeCharges(named, offer, view).map((line) => `  ${line}`),
  ]
}

/** What a run takes of each budget, and what is left before it. */
function describeCharges(
  { contract }: NamedContract,
  offer: Pick<RunOffer, 'transform' | 'resumes'>,
  view: ContractView | undefined,
): string[] {
  if (offer.resumes !== undefined)
    return [`nothing more: it goes on with the run ${offer.resumes}, which was charged`]
  return chargesOfRun(contract, offer).map((charge) => {
    const left = view?.left.find((one) => one.input === charge.input && one.transform === charge.transform)
    const noise = privacyOf(charge, ' and ')
    const rest = left === undefined ? '' : ` of ${left.runs} left${privacyOf(left, ', ', ' left')}`
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
    (one) => `${one.input} for ${one.transform}: ${count(one.runs, 'run')}${privacyOf(one, ' and ')} left`,
  )
}

/** What is spent or left of a budget of privacy, where there is one. */
function privacyOf(
  { epsilonMicros, deltaTrillionths }: { epsilonMicros?: number; deltaTrillionths?: number },
  before: string,
  after = '',
): string {
  if (epsilonMicros === undefined) return ''
  const spent = { epsilonMicros, ...(deltaTrillionths !== undefined && { deltaTrillionths }) }
  return `${before}${showPrivacy(spent)}${after}`
}
