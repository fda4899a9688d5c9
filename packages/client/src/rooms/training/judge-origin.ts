import { fromBase64Url, utf8 } from '@sotto/protocol/bytes'
import { runDigest, type RunOffer, verifyRunPermit, verifyRunReceipt } from '@sotto/protocol/contract'
import { parseTrustBundle } from '@sotto/protocol/evidence'
import { documentDigest, evidenceDigest } from '@sotto/protocol/keyrelease'
import { verifyRunProvenance } from '@sotto/protocol/room'
import type { LineageLink, ModelOrigin, TracedRun } from '@sotto/protocol/training'
import {
  refusingSteps,
  type TrustedService,
  type TrustPolicy,
  type Verdict,
  verifyTrustBundle,
} from '@sotto/verifier'
import { type VerifiedRoom, verifyRoom } from '@sotto/verifier/room'
import { clientError } from '../../errors.ts'
import { CLOCK_SKEW_SECONDS } from '../audit/run-checks.ts'
import { kmsKeys } from '../runs/kms-keys.ts'
import { attempt } from './attempt.ts'

/** What an origin was found to be. */
export interface JudgedOrigin {
  /** One for each statement: whether it is authentic. */
  links: LineageLink[]
  /** Of the deployment, at the time of the origin. */
  verdict?: Verdict
  /** Where every statement is authentic. */
  run?: TracedRun
}

const LINKS = {
  deployment: {
    name: 'run.deployment',
    what: 'The deployment passed your policy when the run was verified',
  },
  room: {
    name: 'run.room',
    what: 'The room showed evidence of a program that the deployment admits, for the keys of this run',
  },
  receipt: {
    name: 'run.receipt',
    what: 'The KMS released keys to that room for this run, and says what it charged',
  },
  charged: {
    name: 'run.charged',
    what: 'The run that it goes on with was charged, for the same computation over the same data',
  },
  permit: { name: 'run.permit', what: 'The KMS let the outputs of this run out' },
  provenance: { name: 'run.provenance', what: 'The room of this run says what it made of what' },
} as const

/**
 * Verifies each statement of an origin by itself, without a network and without the contract: the deployment under the
 * caller's policy at that time, the evidence of the room, what the KMS signed, and what the room signed. What the contract
 * agreed on is another question: `auditRuns`.
 * @param origin from anybody
 */
export function judgeOrigin(origin: ModelOrigin, policy: TrustPolicy): JudgedOrigin {
  const { receipt: signedReceipt, permit: signedPermit, provenance: signedProvenance } = origin
  const { offer } = origin.offered
  const run = runDigest(offer)
  const of = { genesis: offer.genesis, contract: offer.contract, run }
  const links: LineageLink[] = []
  const trusted = attempt(links, LINKS.deployment, [], () => trust(origin, policy))
  const room = attempt(links, LINKS.room, [trusted], ({ service }) => judgeRoom(origin, service, policy))
  const receipt = attempt(links, LINKS.receipt, [trusted, room], ({ service }, { images }) => {
    const released = verifyRunReceipt(signedReceipt, of, kmsKeys(origin, service, policy))
    requireOfRoom(released, origin, images)
    return released
  })
  const permit = attempt(links, LINKS.permit, [trusted], ({ service }) =>
    verifyRunPermit(signedPermit, of, kmsKeys(origin, service, policy)),
  )
  const provenance = attempt(links, LINKS.provenance, [room], () =>
    verifyRunProvenance(signedProvenance, { run, receiptKey: offer.receiptKey }),
  )
  const charged =
    origin.charged &&
    attempt(links, LINKS.charged, [trusted], ({ service }) => judgeCharged(origin, service, policy))
  const verdict = trusted && { verdict: trusted.verdict }
  if (receipt === undefined || permit === undefined || provenance === undefined) return { links, ...verdict }
  const envelopes = {
    receipt: documentDigest(utf8(signedReceipt)),
    permit: documentDigest(utf8(signedPermit)),
  }
  return {
    links,
    ...verdict,
    run: { run, offer, receipt, permit, provenance, envelopes, ...(charged && { charged }) },
  }
}

function trust(
  { bundle, at, offered: { offer } }: ModelOrigin,
  policy: TrustPolicy,
): { verdict: Verdict; service: TrustedService } {
  const { verdict, service } = verifyTrustBundle(parseTrustBundle(fromBase64Url(bundle)), policy, { now: at })
  if (service === undefined)
    throw clientError('ROOM_OFFER', 'the deployment does not pass the policy', {
      found: refusals(verdict.steps),
    })
  if (offer.genesis !== service.genesis)
    throw clientError('ROOM_OFFER', 'the run is of another deployment', {
      expected: service.genesis,
      found: offer.genesis,
    })
  return { verdict, service }
}

function judgeRoom(
  { offered: { offer, shown } }: ModelOrigin,
  service: TrustedService,
  policy: TrustPolicy,
): VerifiedRoom {
  // Which programs the contract pins, only its parties can tell; all that are here the deployment admits.
  const { steps, room } = verifyRoom(shown, { service, policy, now: offer.at })
  if (room === undefined)
    throw clientError('ROOM_OFFER', 'the room of this run does not pass', { found: refusals(steps) })
  if (
    room.wrapKey !== offer.wrapKey ||
    room.receiptKey !== offer.receiptKey ||
    evidenceDigest(shown.evidence) !== offer.evidence
  )
    throw clientError('ROOM_OFFER', 'the offer is of another room than the one whose evidence came with it')
  return room
}

/** The receipt of the run that this one goes on with, whatever room that one was in. */
function judgeCharged(
  { offered: { offer }, charged }: ModelOrigin,
  service: TrustedService,
  policy: TrustPolicy,
): TracedRun['receipt'] {
  const { offer: earlier, receipt, ...bundles } = charged!
  const run = runDigest(earlier)
  const told = ({ genesis, contract, transform, inputs }: RunOffer): string =>
    documentDigest({ genesis, contract, transform, inputs })
  if (run !== offer.resumes || told(earlier) !== told(offer))
    throw clientError('ROOM_OFFER', 'the run goes on with another one', {
      expected: offer.resumes ?? 'no other run',
      found: run,
    })
  return verifyRunReceipt(receipt, { ...earlier, run }, kmsKeys(bundles, service, policy))
}

/** Keys went to a program whose evidence was shown, while the offer was in force, and before the run was verified. */
function requireOfRoom(
  { image, issuedAt }: TracedRun['receipt'],
  { at, offered: { offer } }: ModelOrigin,
  images: readonly string[],
): void {
  if (!images.includes(image))
    throw clientError('ROOM_OFFER', 'the receipt of this run is about another room', {
      expected: images.join(' or '),
      found: image,
    })
  const until = Math.min(offer.notAfter, at) + CLOCK_SKEW_SECONDS
  if (issuedAt < offer.at - CLOCK_SKEW_SECONDS || issuedAt > until)
    throw clientError('ROOM_OFFER', 'the receipt of this run is of another time', {
      expected: `from ${offer.at} until ${until}`,
      found: `${issuedAt}`,
    })
}

function refusals(steps: Verdict['steps']): string {
  return refusingSteps(steps)
    .map(({ name, reason }) => `${name}: ${reason}`)
    .join('; ')
}
