import { toHex, utf8 } from '@sotto/protocol/bytes'
import {
  type DataStatement,
  type NamedContract,
  parseContract,
  planRun,
  requireInForce,
  runDigest,
  type RunOffer,
  type RunPlan,
  verifyOffer,
  verifyPartyDocument,
} from '@sotto/protocol/contract'
import { crypto } from '@sotto/protocol/crypto-backend'
import { evidenceDigest, WRAP_SUITE } from '@sotto/protocol/keyrelease'
import type { OfferCall, RoomEvidence } from '@sotto/protocol/room'
import { collectBoundFor, createReceiptKey, type JudgingContext, verifyKms } from '../../release/index.ts'
import type { TrustedHardware } from '@sotto/serve/tee'
import { roomRoleError } from '../errors.ts'
import type { KmsCalls } from '../kms/kms-calls.ts'
import { requireParty } from './require-party.ts'
import type { RunJob } from './run-job.ts'

/** What preparing a run takes. */
export interface PrepareContext extends JudgingContext {
  hardware: TrustedHardware
  /** Bytes of all sealed inputs of a run together, at most. */
  maxInputBytes: number
  /** Bytes of one result, at most. */
  maxResultBytes: number
  /** Says where a contract stands to the party that asks. */
  contracts: Pick<KmsCalls, 'show'>
  /** Whether this room can do what a plan asks for. @throws `ROOM_TASK`, and what a kind of task refuses */
  requireRunnable(plan: RunPlan): Promise<void>
}

/** An offer is valid for a day at most; evidence that is older than its policy allows is of no use before. */
const MAX_OFFER_SECONDS = 86_400

/**
 * Prepares a run: what a party asks for, with keys of this run alone and evidence that binds them. Nothing is decided by
 * it, and nothing read: owners consent to exactly this, or nothing happens. The KMS is verified once, and what follows is
 * about that one: whoever says that the contract is in force is who the evidence is made for.
 * @throws `ROOM_INQUIRY`, `ROOM_TASK`, `ROOM_INPUT_TOO_LARGE`, `ROOM_KMS`, `ROOM_KMS_UNREACHABLE`, codes of contracts, of the
 * release and of the hardware
 */
export async function prepareRun(call: OfferCall, context: PrepareContext): Promise<RunJob> {
  const named = parseContract(utf8(call.contract))
  requireParty(call.inquiry, named, context.now())
  const plan = planOf(named, call)
  const statements = statementsOf(plan, call, named)
  const bytes = statements.reduce((sum, statement) => sum + statement.bytes, 0)
  if (bytes > context.maxInputBytes)
    throw roomRoleError('ROOM_INPUT_TOO_LARGE', 'the inputs of this run are more than this room takes', {
      expected: `at most ${context.maxInputBytes} bytes`,
      found: `${bytes}`,
    })
  const large = plan.outputs.find(({ maxBytes }) => maxBytes > context.maxResultBytes)
  if (large !== undefined)
    throw roomRoleError('ROOM_TASK', `${large.name} may be larger than what this room holds`, {
      expected: `at most ${context.maxResultBytes} bytes`,
      found: `${large.maxBytes}`,
    })
  const kms = await verifyKms(context)
  await requireAgreed(named, call, kms.service.importKey, context)
  await context.requireRunnable(plan)
  const wrap = WRAP_SUITE.kem.generate()
  const signer = createReceiptKey()
  const keys = { wrapKey: wrap.publicKey, receiptKey: signer.publicKey }
  const { binding, pieces, checkpoint, service } = await collectBoundFor(kms, context, keys)
  const shown: RoomEvidence = { evidence: pieces, binding, checkpoint: checkpoint.note }
  const at = context.now()
  const offer: RunOffer = {
    format: 'sotto-room-run/1',
    genesis: named.contract.genesis,
    contract: named.digest,
    transform: call.transform,
    ...(call.template !== undefined && { template: call.template }),
    arguments: call.arguments,
    ...(call.resumes !== undefined && { resumes: call.resumes }),
    inputs: statements.map(({ input, artifact, content }) => ({ input, artifact, content })),
    wrapKey: binding.wrapKey,
    receiptKey: binding.receiptKey,
    evidence: evidenceDigest(pieces),
    nonce: toHex(crypto.randomBytes(16)),
    at,
    notAfter: Math.min(
      at + MAX_OFFER_SECONDS,
      checkpoint.time + service.keyPolicy.evidenceMaxAgeSeconds,
      named.contract.notAfter,
    ),
  }
  verifyOffer(offer, named, at)
  const run = runDigest(offer)
  const { checkpoint: goesOnFrom, files: access } = call
  return {
    run,
    offer,
    shown,
    named,
    plan,
    statements,
    access,
    wrap,
    signer,
    ...(goesOnFrom && { goesOnFrom }),
  }
}

/**
 * Strangers with a contract of their own take no place and no time: every party of this one accepted it, and none took
 * that back.
 */
async function requireAgreed(
  named: NamedContract,
  { inquiry }: OfferCall,
  importKey: string,
  { contracts, now }: PrepareContext,
): Promise<void> {
  const view = await contracts.show({ call: 'show', contract: named.digest, inquiry }, importKey)
  const { contract, accepted, closed, withdrawn, runs } = view
  if (parseContract(utf8(contract)).digest !== named.digest)
    throw roomRoleError('ROOM_KMS_UNREACHABLE', 'the KMS answers about another contract')
  requireInForce({ contract: named.contract, accepted, closed, withdrawn, runs }, now())
}

function planOf(named: NamedContract, { transform }: OfferCall): RunPlan {
  if (named.contract.transforms.some(({ name }) => name === transform))
    return planRun(named.contract, transform)
  throw roomRoleError('ROOM_TASK', 'the contract has no such transform', {
    expected: named.contract.transforms.map(({ name }) => name).join(', '),
    found: transform,
  })
}

function statementsOf({ inputs }: RunPlan, { data }: OfferCall, named: NamedContract): DataStatement[] {
  const statements = data.map((envelope) => verifyPartyDocument('data', envelope, named).document)
  const found = statements.map(({ input }) => input)
  const isComplete = found.length === inputs.length && inputs.every(({ name }, at) => found[at] === name)
  if (isComplete) return statements
  throw roomRoleError('ROOM_CALL', 'a statement of its owner about each input of the run, in order', {
    expected: inputs.map(({ name }) => name).join(', '),
    found: found.join(', '),
  })
}
