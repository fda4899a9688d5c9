import { Enclave, seed, type Workload, type World } from '../world.ts'

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
