import {
  type Digest,
  documentDigest,
  evidenceDigest,
  type LoggedStatement,
  PAYLOAD_TYPES,
  type ReleaseReceipt,
  type ReleaseRequest,
  type ReleaseResponse,
} from '@sotto/protocol/keyrelease'
import { kmsError } from '../errors.ts'
import type { KmsState } from '../state/index.ts'
import type { AdmittedWorkload } from './evidence.ts'
import { logReceipt, type ReceiptContext } from './log-receipt.ts'
import { admitWorkload, type ReleaseContext } from './verify.ts'
import { releasableKeyIds, wrapKeys } from './wrap.ts'

/** A request may ask again after a lost answer; so many are remembered per state. */
const MAX_REMEMBERED = 256
/** What a release needs: to be judged, and to be logged. */
export interface ReleaserContext extends ReleaseContext, ReceiptContext {}

/**
 * Releases keys: judge, log the receipt, then wrap and answer. The same request gives the same
 * answer while the state is the same, so that asking again writes no second receipt.
 */
export class Releaser {
  /** Dies with the state it belongs to, so no answer outlives a key or a policy. */
  readonly #remembered = new WeakMap<KmsState, Map<Digest, Promise<ReleaseResponse>>>()

  /** @throws those of {@link admitWorkload}, `wrapKeys` and {@link logReceipt} */
  async release(request: ReleaseRequest, context: ReleaserContext): Promise<ReleaseResponse> {
    if (new Set(request.artifacts).size !== request.artifacts.length) {
      throw kmsError('KMS_REQUEST_MALFORMED', 'an artifact is asked for twice')
    }
    // Judged every time, also when the answer is known: evidence ages.
    const workload = await admitWorkload(request, context)
    const answers = this.#answersFor(context.state)
    const name = documentDigest(request)
    const known = answers.get(name)
    if (known !== undefined) return known
    if (answers.size >= MAX_REMEMBERED) answers.delete(answers.keys().next().value!)
    const answer = answerRequest(request, workload, context)
    answers.set(name, answer)
    answer.catch(() => answers.delete(name))
    return answer
  }

  #answersFor(state: KmsState): Map<Digest, Promise<ReleaseResponse>> {
    let answers = this.#remembered.get(state)
    if (answers === undefined) this.#remembered.set(state, (answers = new Map()))
    return answers
  }
}

async function answerRequest(
  request: ReleaseRequest,
  workload: AdmittedWorkload,
  context: ReleaserContext,
): Promise<ReleaseResponse> {
  const { state, policy, now } = context
  const keyIds = releasableKeyIds(state, now)
  if (keyIds.length === 0) throw kmsError('KMS_NOT_READY', 'every key has expired; new ones are being made')
  const evidence = evidenceDigest(request.evidence)
  // Wrapped before it is logged: a wrapping key that is none leaves no receipt behind.
  const wrapped = wrapKeys(request, keyIds, state, {
    genesis: state.identity!.digest,
    policy: policy.digest,
    evidence,
  })
  const document = receiptOf(request, workload, keyIds, evidence, context)
  const receipt = await logReceipt(PAYLOAD_TYPES.releaseReceipt, document, context)
  return { keySet: loggedKeySet(state), policy: policy.statement, receipt, ...wrapped }
}

function receiptOf(
  request: ReleaseRequest,
  { tuple, hardware }: AdmittedWorkload,
  keyIds: number[],
  evidence: Digest,
  { state, policy, now }: ReleaserContext,
): ReleaseReceipt {
  const lastUse = Math.max(...keyIds.map((keyId) => state.keys.get(keyId)!.destroyAt))
  return {
    version: 1,
    genesis: state.identity!.digest,
    epoch: state.epoch!.number,
    keyIds,
    policy: policy.digest,
    tuple,
    evidence,
    hardware,
    receiptKey: request.binding.receiptKey,
    ...(request.artifacts.length > 0 && {
      artifacts: request.artifacts.map((id) => {
        const { owner, policy: own } = state.artifacts.get(id)!
        return { id, owner, policy: own }
      }),
    }),
    issuedAt: now,
    notAfter: lastUse,
  }
}

function loggedKeySet({ epoch }: KmsState): LoggedStatement {
  const { envelope, index } = epoch!.statement
  if (index === undefined) throw kmsError('KMS_NOT_READY', 'the key set is not logged yet')
  return { envelope, index }
}
