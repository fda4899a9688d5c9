import { fromBase64Url, fromUtf8, utf8 } from '@sotto/protocol/bytes'
import {
  contractError,
  planRun,
  requireInForce,
  RUN_TYPES,
  type ReleaseCall,
  type RunPermit,
  type RunPlan,
  type RunReceipt,
  type RunResult,
  verifyPartyDocument,
  verifyRunResult,
} from '@sotto/protocol/contract'
import { parseDsse } from '@sotto/protocol/dsse'
import type { UnixSeconds } from '@sotto/protocol/keyrelease'
import { kmsError } from '../errors.ts'
import type { AcceptedPolicy } from '../state/index.ts'
import { imageOf } from './run.ts'
import { withoutTraining } from './training.ts'
import { type HeldContract, type OpenRun, recordOf } from './types.ts'

/**
 * Whether what a room made of a run may leave it: the contract is still in force, the outputs are those of the run and no
 * larger than agreed, and who reviews has approved each. One result of a run leaves; asked again for it, the answer is
 * the same.
 * @throws `CONTRACT_*` codes, `KMS_CONTRACT_RUN`, `KMS_NOT_ADMITTED`
 */
export function permitResult(
  call: ReleaseCall,
  held: HeldContract,
  { now, policy }: { now: UnixSeconds; policy: AcceptedPolicy },
  sign: (type: string, document: object) => string,
): { held: HeldContract; permit: string } {
  requireInForce(recordOf(held), now)
  const opened = held.open.find(({ run, notAfter }) => run === call.run && notAfter > now)
  if (opened === undefined)
    throw kmsError('KMS_CONTRACT_RUN', 'keys were released for no such run, or its offer has expired')
  const { genesis } = held.contract
  const ofRun = { genesis, contract: held.digest, run: call.run }
  const result = verifyRunResult(call.result, ofRun, [fromBase64Url(opened.receiptKey)])
  if (opened.released !== undefined) {
    if (opened.released.result === call.result) return { held, permit: opened.released.permit }
    throw kmsError('KMS_CONTRACT_RUN', 'another result of this run has left already')
  }
  const { training } = opened
  const trainings = training === undefined ? held.trainings : withoutTraining(held, training)
  requireStillAdmitted(opened, policy)
  const plan = planRun(held.contract, opened.transform)
  requireOutputs(result, plan)
  requireApprovals(call, result, plan, held)
  const document: RunPermit = {
    format: 'sotto-run-permit/1',
    ...ofRun,
    outputs: result.outputs,
    issuedAt: now,
  }
  const permit = sign(RUN_TYPES.permit, document)
  const open = held.open.map((one) =>
    one === opened ? { ...one, released: { result: call.result, permit } } : one,
  )
  return { held: { ...held, open, ...(trainings && { trainings }) }, permit }
}

/** Members may have taken the program back since it got the keys. @throws `KMS_NOT_ADMITTED` */
function requireStillAdmitted({ receipt }: OpenRun, policy: AcceptedPolicy): void {
  const { payload } = parseDsse(utf8(receipt))
  const { tuple, image } = JSON.parse(fromUtf8(payload)) as RunReceipt
  const isAdmitted = policy.document.anyOf.some(({ name }) => name === tuple)
  if (isAdmitted && imageOf(tuple, policy) === image) return
  throw kmsError('KMS_NOT_ADMITTED', 'members admit the program of this run no longer')
}

function requireOutputs({ outputs: made }: RunResult, { outputs }: RunPlan): void {
  const names = made.map(({ output }) => output)
  if (new Set(names).size !== names.length) throw kmsError('KMS_CONTRACT_RUN', 'an output is there twice')
  for (const { output, bytes } of made) {
    const agreed = outputs.find(({ name }) => name === output)
    if (agreed === undefined)
      throw contractError('CONTRACT_RUN', 'the contract has no such output of this run', { found: output })
    if (bytes > agreed.maxBytes)
      throw contractError('CONTRACT_RUN', `${output} is larger than agreed`, {
        expected: `at most ${agreed.maxBytes} bytes`,
        found: `${bytes}`,
      })
  }
}

/** Every owner who reviews has approved every output, as it is. */
function requireApprovals(
  { approvals, run }: ReleaseCall,
  { outputs }: RunResult,
  { reviewers }: RunPlan,
  held: HeldContract,
): void {
  const approved = new Set<string>()
  for (const envelope of approvals) {
    const { document, party } = verifyPartyDocument('approval', envelope, held)
    if (document.run !== run) throw contractError('CONTRACT_OTHER', `${party.name} approved another run`)
    const made = outputs.find(({ output }) => output === document.output)
    if (made?.digest !== document.digest)
      throw contractError('CONTRACT_OTHER', `${party.name} approved another output`)
    if (document.verdict !== 'release')
      throw contractError('CONTRACT_RUN', `${party.name} refused to release ${document.output}`)
    approved.add(`${party.name} ${document.output}`)
  }
  for (const owner of reviewers)
    for (const { output } of outputs)
      if (!approved.has(`${owner} ${output}`))
        throw contractError('CONTRACT_RUN', `${owner} reviews ${output}, and has not approved it`)
}
