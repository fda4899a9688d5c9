import { expect, test } from 'vitest'
import { bindReportData, type KmsBinding } from '@sotto/protocol/keyrelease'
import { claim } from '../../../test/claims.ts'
import { World } from './world.ts'

const nonces = Array.from({ length: 8 }, (_, index) => Buffer.alloc(32, index + 1).toString('base64url'))
const ask = (nonce: string): string => `/v1/keys?nonce=${nonce}`

/** A world, and what its hardware was asked to bind. */
async function watched(): Promise<{ world: World; bound: string[] }> {
  const world = new World()
  const bound: string[] = []
  const { hardware } = world
  world.hardware = {
    ...hardware,
    async collectEvidence(binding) {
      bound.push(Buffer.from(binding).toString('hex'))
      return hardware.collectEvidence(binding)
    },
  }
  await world.start()
  await world.acceptPolicy(world.proposal())
  bound.length = 0
  return { world, bound }
}

test(
  claim('T6', 'who asks with a nonce gets evidence made now and bound to it, everybody else what there was'),
  async () => {
    const { world, bound } = await watched()
    const ordinary = await world.call('/v1/keys')
    const { kms: own, ...rest } = ordinary.body as { kms: { binding: KmsBinding } }
    const { body } = await world.call(ask(nonces[0]!))
    const { kms, ...others } = body as { kms: { binding: KmsBinding } }
    expect(kms.binding).toEqual({ ...own.binding, nonce: nonces[0] })
    expect(bound).toEqual([Buffer.from(bindReportData('kms', kms.binding)).toString('hex')])
    expect(others).toEqual(rest)
    expect((await world.call('/v1/keys')).text).toBe(ordinary.text)
    expect(bound).toHaveLength(1)
  },
)

test('a nonce that is none costs nothing', async () => {
  const { world, bound } = await watched()
  for (const nonce of ['', 'short', `${nonces[0]}&nonce=${nonces[1]}`, 'A'.repeat(87)])
    expect(await world.refusal(ask(nonce))).toBe('JCS_FIELD')
  expect(bound).toEqual([])
})

test('a few nonces a second are answered, and what everybody gets as before', async () => {
  const { world, bound } = await watched()
  const answers: string[] = []
  for (const nonce of nonces) answers.push(await world.refusal(ask(nonce)))
  expect(answers).toEqual([...Array(4).fill('none'), ...Array(4).fill('HTTP_TOO_MANY')])
  expect([bound.length, (await world.call('/v1/keys')).status]).toEqual([4, 200])
  world.now += 1
  expect(await world.refusal(ask(nonces[5]!))).toBe('none')
})

test('before the first policy nothing is asked of the hardware', async () => {
  const world = new World()
  await world.start()
  expect(await world.refusal(ask(nonces[0]!))).toBe('KMS_NO_POLICY')
})
