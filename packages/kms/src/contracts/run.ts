import { toBase64Url, utf8 } from '@sotto/protocol/bytes'
import {
  charged,
  chargesOfRun,
  contractError,
  requireConsents,
  requireInForce,
  RUN_TYPES,
  type RunAnswer,
  type RunCall,
  runDigest,
  runInfo,
  type RunKeys,
  type RunPlan,
  type RunReceipt,
  verifyOffer,
} from '@sotto/protocol/contract'
import {
  type Digest,
  decodeDocument,
  encodeDocument,
  evidenceDigest,
  releaseStatementDecoder,
  wrapSecret,
} from '@sotto/protocol/keyrelease'
import { parseDsse } from '@sotto/protocol/dsse'
import { covers } from '@sotto/verifier/workload'
import { requireMade } from '../artifacts/index.ts'
import { kmsError } from '../errors.ts'
import { admitWorkload, type ReleaserContext } from '../release/index.ts'
import type { AcceptedPolicy, KmsState } from '../state/index.ts'
import { secretOf, trainingOf, withTraining } from './training.ts'
import { type HeldContract, type OpenRun, recordOf } from './types.ts'

/** Runs of one contract whose offers have not expired. */
const MAX_OPEN_RUNS = 1024

/** A run that everything allows but, perhaps, what is left of the budgets. */
export interface JudgedRun {
  run: Digest
  plan: RunPlan
  receipt: Omit<RunReceipt, 'sequence' | 'charges'>
}

/**
 * Judges a run: the contract in force allows it, every owner consented to it, and the room that asks is the one they saw,
 * on an image that the contract pins for all that runs.
 * @throws `CONTRACT_*` codes, `KMS_CONTRACT_DATA`, `KMS_STATEMENT_TIME`, and those of `admitWorkload`
 */
export async function judgeRun(
  { offer, consents, request }: RunCall,
  held: HeldContract,
  context: ReleaserContext,
): Promise<JudgedRun> {
  const { now, state, policy } = context
  requireInForce(recordOf(held), now)
  requireMade(offer.at, now)
  const plan = verifyOffer(offer, held, now)
  const run = runDigest(offer)
  const { binding, evidence } = request
  if (
    binding.wrapKey !== offer.wrapKey ||
    binding.receiptKey !== offer.receiptKey ||
    evidenceDigest(evidence) !== offer.evidence
  )
    throw contractError('CONTRACT_RUN', 'the run was offered by another room')
  requireConsents(run, plan, consents, held)
  requireData(offer.inputs, held, state)
  const { tuple, hardware } = await admitWorkload({ ...request, artifacts: [] }, context, 'room')
  const image = imageOf(tuple, policy)
  const stranger = plan.transforms.find(({ room }) => !room.includes(image))
  if (stranger !== undefined)
    throw contractError('CONTRACT_RUN', `the contract pins another program for ${stranger.name}`, {
      expected: stranger.room.join(' or '),
      found: image,
    })
  const receipt = {
    format: 'sotto-run-receipt/1',
    genesis: held.contract.genesis,
    contract: held.digest,
    run,
    tuple,
    image,
    evidence: offer.evidence,
    hardware,
    issuedAt: now,
  } as const
  return { run, plan, receipt }
}

/** The sealed files of a run are those that owners stated last. @throws `KMS_CONTRACT_DATA` */
export function requireData(
  inputs: RunCall['offer']['inputs'],
  { data, digest }: HeldContract,
  { artifacts }: KmsState,
): void {
  for (const { input, artifact, content } of inputs) {
    const stated = data[input]
    const isStated = stated?.artifact === artifact && stated.content === content
    if (isStated && artifacts.get(artifact)?.contract === digest) continue
    throw kmsError('KMS_CONTRACT_DATA', 'an input is not what its owner stated last', {
      expected: stated === undefined ? 'a statement of its owner' : `${stated.artifact} ${stated.content}`,
      found: `${artifact} ${content}`,
    })
  }
}

/** Digest of the image that a tuple of the policy in force admits, as the release statement behind it names it. */
export function imageOf(name: string, { document, releases }: AcceptedPolicy): Digest {
  const tuple = document.anyOf.find((one) => one.name === name)!
  const statements = releases.map(({ envelope }) =>
    decodeDocument(parseDsse(utf8(envelope)).payload, releaseStatementDecoder, 'release'),
  )
  const release = statements.find((statement) => covers(statement, tuple))
  if (release === undefined)
    throw kmsError('KMS_NOT_ADMITTED', 'no release statement covers the tuple that admits this room')
  return release.subject[0].digest.sha256
}

/** A contract after a run has begun, and the receipt of it. */
export interface BegunRun {
  held: HeldContract
  opened: OpenRun
}

/**
 * Charges a run and writes down that it began. Asked again for the same offer, nothing is charged twice.
 * @throws `CONTRACT_BUDGET`, `KMS_CONTRACT_BUSY`, `KMS_CONTRACT_RUN` for a training that cannot go on
 */
export function beginRun(
  held: HeldContract,
  judged: JudgedRun,
  call: RunCall,
  sign: (type: string, document: object) => string,
): BegunRun {
  const { run, receipt, plan } = judged
  const { offer } = call
  const known = held.open.find((one) => one.run === run)
  if (known !== undefined) return { held, opened: known }
  if (held.open.length >= MAX_OPEN_RUNS)
    throw kmsError('KMS_CONTRACT_BUSY', 'too many runs of this contract have been offered and not expired', {
      expected: `at most ${MAX_OPEN_RUNS}`,
    })
  const training = trainingOf(held, offer, run, plan)
  const charges = chargesOfRun(held.contract, offer)
  const ledger = charged(held.contract, held.ledger, charges)
  const runs = held.runs + 1
  const document: RunReceipt = { ...receipt, charges, sequence: runs }
  const opened = {
    run,
    transform: offer.transform,
    receiptKey: offer.receiptKey,
    receipt: sign(RUN_TYPES.receipt, document),
    notAfter: offer.notAfter,
    ...(training && { training: training.run }),
  }
  const after = { ...held, ledger, runs, open: [...held.open, opened] }
  return { held: training ? { ...after, trainings: withTraining(held, training) } : after, opened }
}

/**
 * Wraps the content keys of a run to the key of its offer, and to nothing else; of a training, its secret as well.
 * @throws `WRAP_FAILED`, `KMS_CONTRACT_RUN` where the result of a training has left already
 */
export function wrapRunKeys(
  { offer }: RunCall,
  { held, opened: { run, receipt, training } }: BegunRun,
  { artifacts }: KmsState,
): RunAnswer {
  const keys: RunKeys = {
    artifacts: offer.inputs.map(({ artifact }) => ({
      id: artifact,
      contentKey: toBase64Url(artifacts.get(artifact)!.contentKey),
    })),
    ...(training !== undefined && { training: secretOf(held, training) }),
  }
  const plaintext = encodeDocument(keys)
  try {
    return { ...wrapSecret(offer.wrapKey, runInfo(offer, run), plaintext), receipt }
  } finally {
    plaintext.fill(0)
  }
}
