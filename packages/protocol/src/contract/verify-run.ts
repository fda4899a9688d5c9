import { pae } from '../dsse/index.ts'
import { canonicalJson } from '../jcs/index.ts'
import type { Digest } from '../keyrelease/index.ts'
import { documentDigest } from '../keyrelease/index.ts'
import type { UnixSeconds } from '../keyrelease/types.ts'
import { type NamedContract, verifyPartyDocument } from './documents.ts'
import { contractError } from './errors.ts'
import { planRun, type RunPlan } from './graph.ts'
import type { RunOffer } from './runs.ts'
import { isTraining, type SqlParameter, type SqlTemplate } from './tasks.ts'
import type { Name } from './types.ts'

/** How far the clock of a room may be ahead. */
const CLOCK_SKEW_SECONDS = 60

/** Name of a run: SHA-256 of the canonical offer. */
export function runDigest(offer: RunOffer): Digest {
  return documentDigest(offer)
}

/** HPKE info of what a KMS releases for a run: ties the wrapped keys to it. */
export function runInfo(
  { genesis, contract }: Pick<RunOffer, 'genesis' | 'contract'>,
  run: Digest,
): Uint8Array {
  return pae('application/vnd.sotto.run-wrap+json', canonicalJson({ genesis, contract, run }))
}

/**
 * Whether an offer is a run that the contract knows: transform, template and arguments, and for each input that it reads
 * exactly one sealed file, with the content that was agreed on where one was. Nothing is said about budgets, consents, the
 * room, whose evidence has to be of an image in `plan.room`, or whether owners stated these files to be their inputs.
 * @param offer a decoded one, from anywhere
 * @throws `CONTRACT_OTHER`, `CONTRACT_RUN`, `CONTRACT_EXPIRED` (also up to 60 s before `at`)
 */
export function verifyOffer(offer: RunOffer, { contract, digest }: NamedContract, now: UnixSeconds): RunPlan {
  if (offer.genesis !== contract.genesis || offer.contract !== digest)
    throw contractError('CONTRACT_OTHER', 'the run is of another contract', {
      expected: `${contract.genesis} ${digest}`,
      found: `${offer.genesis} ${offer.contract}`,
    })
  // An offer made for next year would be a consent that lasts until then.
  if (now >= offer.notAfter || now < offer.at - CLOCK_SKEW_SECONDS)
    throw contractError('CONTRACT_EXPIRED', 'the offer of this run is not valid now', {
      expected: `from ${offer.at} until ${offer.notAfter}`,
      found: `${now}`,
    })
  if (!contract.transforms.some(({ name }) => name === offer.transform))
    throw refused('a transform of the contract', offer.transform)
  const plan = planRun(contract, offer.transform)
  if (plan.outputs.length === 0) throw refused('a transform whose result is an output', offer.transform)
  requireArguments(offer, plan)
  requireInputs(offer, plan)
  return plan
}

function requireInputs(offer: RunOffer, { inputs }: RunPlan): void {
  const expected = inputs.map(({ name }) => name)
  const found = offer.inputs.map(({ input }) => input)
  if (expected.length !== found.length || expected.some((name, at) => name !== found[at]))
    throw refused(`the inputs ${expected.join(', ')}`, found.join(', '))
  for (const [at, { name, content }] of inputs.entries()) {
    const given = offer.inputs[at]!
    if (content !== undefined && given.content !== content)
      throw contractError('CONTRACT_RUN', `${name} is not the content that the parties agreed on`, {
        expected: content,
        found: given.content,
      })
  }
}

function requireArguments(offer: RunOffer, plan: RunPlan): void {
  const { task } = plan.transforms.at(-1)!
  if (offer.resumes !== undefined && !isTraining(task))
    throw refused('a run from its beginning', `one that goes on with ${offer.resumes}`)
  if (task.kind !== 'sql') {
    if (offer.template !== undefined || offer.arguments.length > 0)
      throw refused('a run without template and arguments', offer.template ?? offer.arguments[0]!.name)
    return
  }
  const template = task.templates.find(({ name }) => name === offer.template)
  if (template === undefined)
    throw refused(
      `one of the templates ${task.templates.map(({ name }) => name).join(', ')}`,
      offer.template ?? 'none',
    )
  requireValues(offer, template)
}

function requireValues({ arguments: given }: RunOffer, { parameters }: SqlTemplate): void {
  const names = parameters.map(({ name }) => name)
  if (given.length !== names.length || !names.every((name, at) => given[at]!.name === name))
    throw refused(`the arguments ${names.join(', ') || 'none'}`, given.map(({ name }) => name).join(', '))
  for (const [at, parameter] of parameters.entries()) {
    const wrong = findWrongValue(parameter, given[at]!.value)
    // The value is not said: what somebody asks for may be confidential.
    if (wrong !== undefined) throw refused(`${parameter.name}: ${wrong}`, 'another value')
  }
}

const NUMBER = /^-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?$/
const INTEGER = /^(?:0|-?[1-9][0-9]{0,15})$/
const DATE = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/

/** What a value should have been; undefined where it is that. */
function findWrongValue({ type, min, max, oneOf }: SqlParameter, value: string): string | undefined {
  if (type === 'boolean') return value === 'true' || value === 'false' ? undefined : 'true or false'
  if (type === 'number') return NUMBER.test(value) ? undefined : 'a number'
  if (type === 'date') return DATE.test(value) && isDay(value) ? undefined : 'a date as YYYY-MM-DD'
  if (type === 'text')
    return oneOf === undefined || oneOf.includes(value) ? undefined : `one of ${oneOf.length} values`
  const number = Number(value)
  if (!INTEGER.test(value) || !Number.isSafeInteger(number)) return 'a whole number'
  return number >= (min ?? -Infinity) && number <= (max ?? Infinity)
    ? undefined
    : `${min ?? ''} to ${max ?? ''}`
}

function isDay(value: string): boolean {
  const time = Date.parse(`${value}T00:00:00Z`)
  return Number.isFinite(time) && new Date(time).toISOString().startsWith(value)
}

/**
 * The owners of everything a run reads have each consented to exactly this run. Each run begins once: whoever releases
 * keys remembers the digests of runs until their offers expire, or the same consents would count again.
 * @param consents envelopes from anywhere: several of one party are one
 * @throws `CONTRACT_RUN` with who is missing; what {@link verifyPartyDocument} throws
 */
export function requireConsents(
  run: Digest,
  { owners }: RunPlan,
  consents: readonly string[],
  named: NamedContract,
): void {
  const consented = new Set<Name>()
  for (const envelope of consents) {
    const { document, party } = verifyPartyDocument('consent', envelope, named)
    if (document.run !== run)
      throw contractError('CONTRACT_OTHER', `${party.name} consented to another run`, {
        expected: run,
        found: document.run,
      })
    consented.add(party.name)
  }
  const missing = owners.filter((owner) => !consented.has(owner))
  if (missing.length === 0) return
  throw refused('the consent of every owner', `none of ${missing.join(', ')}`)
}

function refused(expected: string, found: string): Error {
  return contractError('CONTRACT_RUN', 'the contract allows no such run', { expected, found })
}
