import { fromBase64Url, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import {
  type KeysReceipt,
  type ModelRemoval,
  signOwnerDocument,
  verifyKeysReceipt,
} from '@sotto/protocol/sealed-models'
import { Enclave, seed, signer, type Workload, type World } from '../world.ts'

export const ID: string = 'ab'.repeat(16)
export const KEY: Uint8Array = seed(42)
export const OTHER: Workload = { image: 'ee'.repeat(32), hostData: 'ff'.repeat(32) }

/** Code of the refusal of an import, `none` for none. */
export const send = (world: World, body: Uint8Array, id: string = ID): Promise<string> =>
  world.refusal(`/v1/artifacts/${id}/key`, body)

/** Code of the refusal of a removal, `none` for none. */
export const remove = (world: World, body: Uint8Array, id: string = ID): Promise<string> =>
  world.refusal(`/v1/artifacts/${id}/key`, body, 'DELETE')

/** The content key as a workload gets it, base64url, or the code of the refusal. */
export async function keyFor(
  world: World,
  workload: Workload = world.workload,
  change: { note?: string; artifacts?: string[] } = {},
): Promise<string> {
  const enclave = new Enclave(workload)
  const request = await enclave.request(world, { artifacts: [ID], ...change })
  const { status, body } = await world.call('/v1/release', request)
  if (status !== 200) return (body['error'] as { code: string }).code
  return enclave.open(request, body as never, world.genesis).artifacts[0]!.contentKey
}

/** A policy of the members that admits these workloads. */
export async function admitWorkloads(world: World, ...workloads: Workload[]): Promise<void> {
  world.now += 1
  const anyOf = workloads.map((workload) => world.tuple(workload))
  const releases = workloads.map((workload) => world.logRelease(workload))
  await world.acceptPolicy(world.proposal(world.policy({ anyOf }), undefined, releases))
}

/** An owner's word that a model ends, `bear` and all versions of it unless it says otherwise. */
export function modelRemoval(
  world: World,
  change: Partial<ModelRemoval> = {},
  owner: ReturnType<typeof signer> = signer(50),
): string {
  const removal: ModelRemoval = {
    format: 'sotto-model-removal/1',
    genesis: world.genesis,
    owner: toBase64Url(owner.publicKey),
    name: 'bear',
    version: 'all',
    createdAt: world.now,
    ...change,
  }
  return signOwnerDocument('removal', removal, owner)
}

/** Code of the refusal of a removal of a model, `none` for none. */
export const removeModel = (world: World, removal: string): Promise<string> =>
  world.refusal('/v1/model-removals', utf8(removal))

/** What the KMS signs about a removal of a model, as its owner verifies it. */
export async function receiptFor(
  world: World,
  removal: string,
): Promise<Pick<KeysReceipt, 'destroyed' | 'shared' | 'newer'>> {
  const { status, body, text } = await world.call('/v1/model-removals', utf8(removal))
  if (status !== 200) throw new Error(text)
  const { destroyed, shared, newer } = verifyKeysReceipt(body['receipt'] as string, {
    genesis: world.genesis,
    signingKey: fromBase64Url(world.kms.view.boot.statementKey.publicKey),
    removal,
  })
  return { destroyed, shared, newer }
}
