import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import {
  chargesOfRun,
  type NamedContract,
  planRun,
  runDigest,
  type RunOffer,
  type RunPlan,
  type RunReceipt,
  type SealedOutput,
  verifyOffer,
  verifyRunPermit,
  verifyRunReceipt,
  verifySealedOutput,
} from '@sotto/protocol/contract'
import { canonicalJson } from '@sotto/protocol/jcs'
import { type Digest, documentDigest, evidenceDigest, type UnixSeconds } from '@sotto/protocol/keyrelease'
import type { OfferedRun, RunProvenance, RunView } from '@sotto/protocol/room'
import { verifyRunProvenance } from '@sotto/protocol/room'
import { refusingSteps, type Step, type TrustedService, type TrustPolicy } from '@sotto/verifier'
import { type VerifiedRoom, verifyRoom } from '@sotto/verifier/room'
import { clientError } from '../../errors.ts'

/** What a party knows when it judges. */
export interface JudgeContext {
  service: Pick<TrustedService, 'genesis' | 'keyPolicy' | 'rooms'>
  policy: Pick<TrustPolicy, 'log' | 'witnesses' | 'revoked'>
  now: UnixSeconds
}

/** A run that a room offers, as it was found to be. */
export interface JudgedOffer {
  run: Digest
  plan: RunPlan
  room: VerifiedRoom
  /** Each step of the room's verification. */
  steps: Step[]
}

/**
 * Whether a run that a room offers is one that the contract knows, in a room that a party may let its data into: genuine
 * evidence, fresh, of a program that the contract pins for every step of the run, with keys of this run alone. This is
 * what a party does before it consents; the KMS does the same before it releases a key.
 * @param offered from anybody
 * @throws `ROOM_OFFER` naming what is wrong; `CONTRACT_OTHER`, `CONTRACT_RUN`, `CONTRACT_EXPIRED`
 */
export function judgeOffer(
  named: NamedContract,
  { offer, shown }: OfferedRun,
  { service, policy, now }: JudgeContext,
): JudgedOffer {
  const plan = verifyOffer(offer, named, now)
  // The KMS of another deployment would hold what is consented to here to a policy that nobody here has judged.
  if (offer.genesis !== service.genesis)
    throw clientError('ROOM_OFFER', 'the contract of this run is meant for another deployment', {
      expected: service.genesis,
      found: offer.genesis,
    })
  const { steps, room } = verifyRoom(shown, { service, policy, images: plan.room, now })
  if (room === undefined)
    throw clientError('ROOM_OFFER', 'the room of this run does not pass', {
      found: refusingSteps(steps)
        .map(({ name, reason }) => `${name}: ${reason}`)
        .join('; '),
    })
  if (room.wrapKey !== offer.wrapKey || room.receiptKey !== offer.receiptKey)
    throw clientError('ROOM_OFFER', 'the offer names other keys than the evidence of the room binds')
  if (evidenceDigest(shown.evidence) !== offer.evidence)
    throw clientError('ROOM_OFFER', 'the offer is of another room than the one whose evidence came with it')
  return { run: runDigest(offer), plan, room, steps }
}

/** A run that is done, every statement about it verified. */
export interface JudgedRun {
  receipt: RunReceipt
  outputs: SealedOutput[]
  provenance: RunProvenance
}

/**
 * Whether what is said of a run that is done holds together: the KMS charged it and permitted exactly these outputs, the
 * room of the offer sealed and explained them, and each is sealed to its receivers and to nobody else.
 * @param view from anybody
 * @throws `ROOM_OFFER`; codes of contracts and of rooms
 */
export function judgeRun(
  named: NamedContract,
  { offer }: OfferedRun,
  view: RunView,
  signingKeys: readonly Uint8Array[],
): JudgedRun {
  const run = runDigest(offer)
  if (offer.contract !== named.digest)
    throw clientError('ROOM_OFFER', 'the run is of another contract', {
      expected: named.digest,
      found: offer.contract,
    })
  const plan = planRun(named.contract, offer.transform)
  const { receipt: signedReceipt, permit: signedPermit, provenance: signedProvenance } = view
  if (
    view.run !== run ||
    signedReceipt === undefined ||
    signedPermit === undefined ||
    signedProvenance === undefined
  )
    throw clientError('ROOM_OFFER', 'something is missing of what is said about this run')
  const of = { genesis: offer.genesis, contract: offer.contract, run }
  const receipt = verifyRunReceipt(signedReceipt, of, signingKeys)
  const permit = verifyRunPermit(signedPermit, of, signingKeys)
  const provenance = verifyRunProvenance(signedProvenance, { run, receiptKey: offer.receiptKey })
  const outputs = view.outputs.map((envelope) =>
    verifySealedOutput(envelope, { run, receiptKey: offer.receiptKey }),
  )
  if (receipt.evidence !== offer.evidence || !plan.room.includes(receipt.image))
    throw clientError('ROOM_OFFER', 'the receipt of this run is about another room')
  const { predicate, subject } = provenance
  const statements = {
    receipt: documentDigest(utf8(signedReceipt)),
    permit: documentDigest(utf8(signedPermit)),
  }
  const differing = findDifference(predicate, { ...receipt, ...statements })
  if (differing !== undefined)
    throw clientError('ROOM_OFFER', 'the provenance of this run says something else than its KMS', {
      found: differing,
    })
  for (const { output, digest, bytes } of permit.outputs) {
    const agreed = plan.outputs.find(({ name }) => name === output)
    const sealed = outputs.find((one) => one.output === output)
    const isNamed = subject.some((one) => one.name === output && one.digest.sha256 === digest)
    const receivers = sealed?.keys
      .map(({ party }) => party)
      .toSorted()
      .join()
    const isPermitted =
      sealed?.digest === digest &&
      sealed.bytes === bytes &&
      bytes <= (agreed?.maxBytes ?? 0) &&
      isOfContract(sealed, offer)
    if (!isPermitted || !isNamed || receivers !== agreed?.receivers.toSorted().join())
      throw clientError('ROOM_OFFER', `${output} is not what the KMS permitted, or for other receivers`, {
        expected: agreed?.receivers.join(', ') ?? 'an output of the contract',
        found: receivers ?? 'nothing',
      })
  }
  if (outputs.length !== permit.outputs.length || subject.length !== permit.outputs.length)
    throw clientError('ROOM_OFFER', 'the run has more outputs than the KMS permitted')
  return { receipt, outputs, provenance }
}

/** What the KMS says of a run, and its room repeats. */
const REPEATED = [
  'genesis',
  'contract',
  'image',
  'evidence',
  'charges',
  'sequence',
  'receipt',
  'permit',
] as const

function findDifference(
  predicate: RunProvenance['predicate'],
  said: Pick<RunProvenance['predicate'], (typeof REPEATED)[number]>,
): string | undefined {
  const textOf = (value: unknown): string => fromUtf8(canonicalJson(value))
  return REPEATED.find((member) => textOf(predicate[member]) !== textOf(said[member]))
}

/**
 * That a run which holds together is the one that contract and offer say: what it was charged, what was read, what was
 * done. A KMS or a room that errs signs wrong statements as well as right ones; an audit names which.
 * @throws `ROOM_OFFER`
 */
export function requireOffered(
  { contract }: NamedContract,
  { offer }: OfferedRun,
  { provenance }: Pick<JudgedRun, 'provenance'>,
): void {
  const { transforms } = planRun(contract, offer.transform)
  const { charges, inputs, steps } = provenance.predicate
  const isSame = (one: unknown, other: unknown): boolean =>
    fromUtf8(canonicalJson(one)) === fromUtf8(canonicalJson(other))
  const read = inputs.map(({ input, artifact, content }) => ({ input, artifact, content }))
  const done = steps.map(({ transform, kind, task }) => ({ transform, kind, task }))
  const agreed = transforms.map(({ name, task }) => ({
    transform: name,
    kind: task.kind,
    task: documentDigest(task),
  }))
  const found = !isSame(charges, chargesOfRun(contract, offer))
    ? 'charges'
    : !isSame(read, offer.inputs)
      ? 'inputs'
      : !isSame(done, agreed)
        ? 'steps'
        : undefined
  if (found !== undefined)
    throw clientError('ROOM_OFFER', 'what is said of this run is not the run that was offered', { found })
}

function isOfContract(sealed: SealedOutput, { genesis, contract }: RunOffer): boolean {
  return sealed.genesis === genesis && sealed.contract === contract
}
