import { HANDOVER_RECEIPT_TYPE } from '@sotto/protocol/handover'
import { bindReportData } from '@sotto/protocol/keyrelease'
import { crypto } from '@sotto/protocol/crypto-backend'
import { beforeEach, describe, expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { takeOver } from '../../src/handover/index.ts'
import { acknowledgement, createCustodians, newestSet, sharingOf } from '../root/custodians.ts'
import { Enclave, hardwareOf, seed, testRoot, type Workload } from '../world.ts'
import { SUCCESSOR, UpgradeWorld } from './upgrade-world.ts'

let world: UpgradeWorld
beforeEach(async () => {
  world = await UpgradeWorld.create()
})
const receipts = (): number => world.logged(HANDOVER_RECEIPT_TYPE).length
const stranger: Workload = { ...SUCCESSOR, machine: crypto.ecdsa.generate('P-384') }

describe('a running KMS hands over to none', () => {
  test.each<[string, () => Promise<unknown>, string]>([
    ['of another genesis', async () => req({ binding: { genesis: '00'.repeat(32) } }), 'KMS_WRONG_GENESIS'],
    [
      'that no tuple names',
      async () => req({ workload: { ...SUCCESSOR, image: '77'.repeat(32) } }),
      'KMS_NOT_ADMITTED',
    ],
    [
      'with another configuration',
      async () => req({ workload: { ...SUCCESSOR, hostData: '77'.repeat(32) } }),
      'KMS_NOT_ADMITTED',
    ],
    ['that is an inference enclave', async () => req({ workload: world.workload }), 'KMS_NOT_ADMITTED'],
    ['whose evidence is forged', async () => req({ workload: stranger }), 'KMS_EVIDENCE_REFUSED'],
    [
      'whose evidence binds another wrapping key',
      async () => {
        const [own, other] = [await req(), await req()]
        return { ...own, binding: { ...own.binding, wrapKey: other.binding.wrapKey } }
      },
      'KMS_EVIDENCE_REFUSED',
    ],
    [
      'whose evidence was bound as that of an enclave',
      async () => {
        const own = await req()
        const evidence = await hardwareOf(SUCCESSOR).collectEvidence(
          bindReportData('enclave', own.binding as never),
        )
        return { ...own, evidence }
      },
      'KMS_EVIDENCE_REFUSED',
    ],
    [
      'whose checkpoint is old',
      async () => {
        const note = world.log.note()
        world.now += 86_401
        await world.kms.tick()
        return req({ note })
      },
      'KMS_CHECKPOINT_STALE',
    ],
    [
      'whose checkpoint is another',
      async () => req({ binding: { checkpoint: '00'.repeat(32) } }),
      'KMS_CHECKPOINT_INVALID',
    ],
    ['that sends more than is asked', async () => ({ ...(await req()), encrypted: false }), 'JCS_FIELD'],
  ])(claim('T15', '%s'), async (_, make, code) => {
    expect(await world.refusal('/v1/handover', await make())).toBe(code)
    expect(receipts()).toBe(0)
  })
})

const req = async (change: Parameters<UpgradeWorld['handoverRequest']>[0] = {}) =>
  (await world.handoverRequest(change)).request

test(claim('T15', 'the security version of a KMS never decreases'), async () => {
  const older = await UpgradeWorld.create({ securityVersion: 0 })
  const { request } = await older.handoverRequest()
  expect(await older.refusal('/v1/handover', request)).toBe('KMS_HANDOVER_DOWNGRADE')
  const same = await UpgradeWorld.create({ securityVersion: 1 })
  expect((await same.call('/v1/handover', (await same.handoverRequest()).request)).status).toBe(200)
})

test('a KMS that no release of the policy covers does not know its version, and hands nothing over', async () => {
  world.hardware = hardwareOf({ image: '99'.repeat(32), hostData: 'd4'.repeat(32) })
  await world.start()
  expect(await world.refusal('/v1/handover', await req())).toBe('KMS_HANDOVER_UNCOVERED')
  await expect(world.take()).rejects.toMatchObject({ code: 'KMS_PEER_REFUSED' })
  expect(receipts()).toBe(0)
})

test(claim('T15', 'a tuple of role kms admits to a handover and to nothing else'), async () => {
  const enclave = new Enclave(SUCCESSOR)
  expect(await world.refusal('/v1/release', await enclave.request(world))).toBe('KMS_NOT_ADMITTED')
})

test('a member’s hold stops a handover', async () => {
  const held = await req()
  await world.kms.hold(world.hold())
  expect(await world.refusal('/v1/handover', held)).toBe('KMS_HELD')
  await expect(world.take()).rejects.toMatchObject({ code: 'KMS_PEER_BUSY', found: 'KMS_HELD' })
  expect(receipts()).toBe(0)
})

test('a root secret that is about to be replaced is not handed over', async () => {
  const custodians = createCustodians(2)
  const rotating = new UpgradeWorld()
  rotating.root = testRoot(seed(78), sharingOf(2, custodians))
  await rotating.start()
  for (const custodian of custodians)
    await rotating.kms.acknowledgeShare(acknowledgement(newestSet(rotating), custodian))
  await rotating.admit(SUCCESSOR, 2)
  await rotating.decide(rotating.draft('rotate-root', { generation: 1 }))
  await rotating.kms.tick()
  const { request } = await rotating.handoverRequest()
  expect(await rotating.refusal('/v1/handover', request)).toBe('KMS_ROOT_ROTATING')
  for (const custodian of custodians)
    await rotating.kms.acknowledgeShare(acknowledgement(newestSet(rotating), custodian))
  await rotating.kms.tick()
  const { secrets } = await rotating.take()
  expect(secrets).toHaveLength(1)
  expect(secrets[0]).not.toEqual(seed(78))
})

test('a KMS that has seen no fresh checkpoint hands nothing over', async () => {
  world.now += 7201
  expect(await world.refusal('/v1/handover', await req())).toBe('KMS_STALE')
})

test(claim('T13', 'a log whose witnesses stopped gets nothing handed over'), async () => {
  const request = await req()
  world.log.now = () => world.now - 3601
  const { status, body } = await world.call('/v1/handover', request)
  expect(status).toBe(503)
  expect(body).toMatchObject({ error: { code: 'KMS_STALE', action: 'retry' } })
  world.log.now = () => world.now
  expect(await world.refusal('/v1/handover', request)).toBe('none')
})

test('an admitted KMS can ask again, and not for ever', async () => {
  const codes: string[] = []
  for (let n = 0; n < 9; n++) codes.push(await world.refusal('/v1/handover', await req()))
  expect(codes.slice(0, 8)).toEqual(Array(8).fill('none'))
  expect(codes[8]).toBe('HTTP_TOO_MANY')
  expect(receipts()).toBe(8)
})

describe('the next KMS takes nothing', () => {
  test(claim('T1', 'from a KMS of another genesis'), async () => {
    const config = { ...world.tools().config, expectGenesis: '00'.repeat(32) }
    await expect(world.take({ config })).rejects.toMatchObject({ code: 'KMS_PEER_REFUSED' })
    expect(receipts()).toBe(0)
  })

  test('from a KMS that runs what members did not accept, or on other hardware', async () => {
    const published = (await world.call('/v1/keys')).body as { kms: { binding: object } }
    world.onAnswer = async (answer) => {
      const body = (await answer.json()) as typeof published
      if (body.kms === undefined) return Response.json(body)
      const evidence = await hardwareOf({
        image: 'a1'.repeat(32),
        hostData: 'd4'.repeat(32),
        machine: stranger.machine!,
      }).collectEvidence(bindReportData('kms', body.kms.binding as never))
      return Response.json({ ...body, kms: { ...body.kms, evidence } })
    }
    await expect(world.take()).rejects.toMatchObject({
      code: 'KMS_PEER_REFUSED',
      found: expect.stringContaining('kms.evidence') as string,
    })
    expect(receipts()).toBe(0)
  })

  test.each<[string, (body: Record<string, unknown>) => unknown]>([
    ['no JSON at all', () => 'x'],
    ['half a document', ({ enc }) => ({ enc })],
  ])('from a peer that answers with %s', async (_, change) => {
    world.onAnswer = async (answer) => {
      const body = (await answer.json()) as Record<string, unknown>
      return Response.json(body['wrapped'] === undefined ? body : change(body))
    }
    await expect(world.take()).rejects.toMatchObject({ code: 'KMS_HANDOVER_INVALID' })
  })

  test('that was meant for another receipt', async () => {
    const other = (await world.call('/v1/handover', await req())).body
    world.onAnswer = async (answer) => {
      const body = (await answer.json()) as Record<string, unknown>
      return Response.json(body['wrapped'] === undefined ? body : { ...body, receipt: other['receipt'] })
    }
    await expect(world.take()).rejects.toMatchObject({ code: 'KMS_HANDOVER_INVALID' })
  })
})

describe('peers are asked in turn', () => {
  const patience = () => {
    const codes: string[] = []
    return {
      codes,
      options: {
        signal: new AbortController().signal,
        onRetry: (code: string) => codes.push(code),
        retryMs: 1,
      },
    }
  }

  test('one that does not answer is passed over, and then the root source is asked', async () => {
    const { source } = world.nextRoot.obtain()
    const { codes, options } = patience()
    const tools = world.tools({ fetch: () => Promise.reject(new TypeError('refused')) })
    expect(await takeOver(source, tools, options)).toBeUndefined()
    expect(codes).toEqual(['KMS_PEER_UNREACHABLE'])
    const config = { ...world.tools().config, peers: ['http://nobody.test', 'http://old.test'] }
    const { fetch } = world.tools()
    const one: typeof fetch = (url, init) =>
      String(url).includes('nobody') ? Promise.reject(new TypeError('refused')) : fetch!(url, init)
    expect(await takeOver(source, world.tools({ config, fetch: one }), options)).toMatchObject({
      handedOver: { genesis: world.genesis },
    })
  })

  test('one that is held is waited for', async () => {
    const { options, codes } = patience()
    await world.kms.hold(world.hold())
    const taking = takeOver(world.nextRoot.obtain().source, world.tools(), options)
    while (codes.length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
    const [hold] = world.kms.view.state.governance.holds
    await world.decide(world.draft('resume', { hold: hold!.id }))
    expect(await taking).toMatchObject({ handedOver: { genesis: world.genesis } })
    expect(new Set(codes)).toEqual(new Set(['KMS_PEER_BUSY']))
  })

  test('one that refuses ends the start, and nothing is asked where nothing could be kept', async () => {
    const { options } = patience()
    const { source } = world.nextRoot.obtain()
    const foreign = world.tools({ hardware: hardwareOf({ ...SUCCESSOR, image: '77'.repeat(32) }) })
    await expect(takeOver(source, foreign, options)).rejects.toMatchObject({
      code: 'KMS_HANDOVER_DENIED',
      found: 'KMS_NOT_ADMITTED',
    })
    await expect(takeOver({ ...source, canRotate: false }, world.tools(), options)).rejects.toMatchObject({
      code: 'KMS_ROOT_FILE',
    })
    expect(receipts()).toBe(0)
  })
})
