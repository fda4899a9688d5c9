import { toBase64Url } from '@sotto/protocol/bytes'
import {
  type HandedOver,
  HANDOVER_RECEIPT_TYPE,
  handoverInfo,
  type HandoverReceipt,
  type HandoverRequest,
  type HandoverResponse,
} from '@sotto/protocol/handover'
import {
  encodeDocument,
  evidenceDigest,
  type UnixSeconds,
  type WrappedSecret,
  wrapSecret,
} from '@sotto/protocol/keyrelease'
import { kmsError } from '../errors.ts'
import { logReceipt, type ReleaserContext } from '../release/index.ts'
import { rootGeneration, type RootHolder } from '../root/index.ts'
import type { KmsState, RequestKey } from '../state/index.ts'
import type { AdmittedSuccessor } from './admit.ts'

/**
 * Gives an admitted KMS what lives in the memory of this one alone, wrapped to its own key: the root secret and the
 * live request keys. Its receipt is in the log first. Everything else is in the store.
 * @throws `KMS_ROOT_ROTATING`, `WRAP_FAILED`, and those of `logReceipt`
 */
export async function giveHandover(
  request: HandoverRequest,
  successor: AdmittedSuccessor,
  root: RootHolder,
  context: ReleaserContext,
): Promise<HandoverResponse> {
  const { state, policy, now, statementKey } = context
  if (state.rotation !== undefined)
    throw kmsError('KMS_ROOT_ROTATING', 'a new root secret is on its way into force')
  const keys = liveKeys(state, now)
  const genesis = state.identity!.digest
  const evidence = evidenceDigest(request.evidence)
  const generation = rootGeneration(state)
  // Wrapped before it is logged: a wrapping key that is none leaves no receipt behind.
  const wrapped = wrapAll(
    request.binding.wrapKey,
    handoverInfo({ genesis, policy: policy.digest, evidence }),
    {
      version: 1,
      rootSecret: toBase64Url(root.secret),
      generation,
      keys: keys.map(({ kem: _kem, privateKey, ...key }) => ({
        ...key,
        privateKey: toBase64Url(privateKey),
      })),
    },
  )
  const receipt: HandoverReceipt = {
    version: 1,
    genesis,
    policy: policy.digest,
    evidence,
    ...successor,
    fromKey: statementKey.publicKey,
    toKey: request.binding.statementKey,
    generation,
    keyIds: keys.map(({ keyId }) => keyId),
    issuedAt: now,
  }
  return { receipt: await logReceipt(HANDOVER_RECEIPT_TYPE, receipt, context), ...wrapped }
}

/** Keys of the published set whose time is not over. */
function liveKeys({ epoch, keys }: KmsState, now: UnixSeconds): RequestKey[] {
  return (epoch?.keyIds ?? []).flatMap((keyId) => {
    const key = keys.get(keyId)
    return key === undefined || key.destroyAt < now ? [] : [key]
  })
}

function wrapAll(wrapKey: string, info: Uint8Array, all: HandedOver): WrappedSecret {
  const plaintext = encodeDocument(all)
  try {
    return wrapSecret(wrapKey, info, plaintext)
  } finally {
    plaintext.fill(0)
  }
}
