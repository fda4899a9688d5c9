import { encodeDocument } from '@sotto/protocol/keyrelease'
import type { CheckpointRequirements } from '@sotto/protocol/note'
import {
  type KeysReceipt,
  MAX_WITHDRAWN_BYTES,
  type ModelStatement,
  modelWithdrawnDecoder,
  verifyKeysReceipt,
  verifyLoggedDocument,
} from '@sotto/protocol/sealed-models'
import type { TrustedService } from '@sotto/verifier'
import { clientError } from '../errors.ts'
import { otherProof, signRemoval } from './documents.ts'
import type { InnerApi } from './inner-api.ts'
import type { ModelOwner } from './owner.ts'
import type { RemovedModel } from './types.ts'

/** What is removed, and by whose word that is believed. */
export interface RemovalOptions {
  owner: ModelOwner
  name: string
  version: number | 'all'
  service: TrustedService
  log: CheckpointRequirements
  /** Unix seconds. */
  now: () => number
  signal?: AbortSignal | undefined
}

const WITHDRAWN = { decoder: modelWithdrawnDecoder, maxBytes: MAX_WITHDRAWN_BYTES }

const MS = 1000

/**
 * Ends a model, and resolves when its second has passed, since a removal covers all that was made until then: what its
 * owner publishes afterwards is newer. Which content keys that destroys, the KMS finds by the names in the imports that it holds and says in
 * a receipt; who keeps the list of models can hide some, and changes nothing.
 * @param shown what the service lists under that name, every version
 * @throws `MODEL_REFUSED` there is nothing of that name; `MODEL_UNAVAILABLE` the registry lists the model and does not
 * end it; `MODEL_KEYS_KEPT`; `MODEL_RECEIPT`, `MODEL_SUBSTITUTED`, and what proofs fail by
 */
export async function removeModel(
  api: InnerApi,
  shown: readonly ModelStatement[],
  options: RemovalOptions,
): Promise<RemovedModel> {
  const { owner, name, version, service, log, now, signal } = options
  const { genesis, signingKey } = service
  const ended = shown.filter((one) => version === 'all' || one.version === version)
  // Of a machine whose clock was ahead: a removal covers what was made until then.
  const createdAt = Math.max(now(), ...ended.map((one) => one.createdAt))
  const removal = signRemoval(owner, service, { name, version, createdAt })
  const answer = await api.call('DELETE', `/${owner.tag}/${name}`, WITHDRAWN, {
    body: encodeDocument({ removal }),
    signal,
  })
  if (createdAt === now()) await new Promise((resolve) => setTimeout(resolve, MS - (Date.now() % MS)))
  const receipt = verifyKeysReceipt(answer.receipt, { genesis, signingKey, removal })
  requireDestroyed(receipt, ended)
  const { logged } = answer
  if (logged === undefined) {
    // What it lists it has to end: else others may still be shown it.
    if (ended.length > 0)
      throw clientError(
        'MODEL_UNAVAILABLE',
        'the registry listed this model, and says now that it has none',
        {
          hint: 'the keys are gone; remove it again',
        },
      )
    if (receipt.destroyed.length > 0 || receipt.shared.length > 0) return { artifacts: receipt.destroyed }
    throw clientError('MODEL_REFUSED', 'the service has no such model, and the KMS no key of one')
  }
  if (logged.envelope !== removal) throw otherProof('removal')
  verifyLoggedDocument('removal', logged, { genesis, log })
  return { artifacts: receipt.destroyed, index: logged.index }
}

/** @throws `MODEL_KEYS_KEPT` */
function requireDestroyed({ destroyed, shared, newer }: KeysReceipt, ended: readonly ModelStatement[]): void {
  if (newer.length > 0)
    throw clientError(
      'MODEL_KEYS_KEPT',
      'the KMS has keys of this model that were imported after its removal',
      {
        found: newer.join(', '),
        hint: 'compare the clocks of the machines that publish, and remove it again',
      },
    )
  const named = new Set([...destroyed, ...shared])
  const missing = ended.filter(({ artifact }) => !named.has(artifact))
  if (missing.length === 0) return
  throw clientError('MODEL_KEYS_KEPT', 'the KMS does not say that the keys of this model are gone', {
    found: missing.map(({ artifact }) => artifact).join(', '),
    hint: 'publish these versions again, and remove them then: their keys were imported without a name',
  })
}
