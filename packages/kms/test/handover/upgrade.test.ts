import { fromUtf8, toBase64Url, toHex } from '@sotto/protocol/bytes'
import { HANDOVER_RECEIPT_TYPE, type HandoverReceipt } from '@sotto/protocol/handover'
import {
  documentDigest,
  type KeySet,
  type KmsCertificate,
  PAYLOAD_TYPES,
  type ReleasedKeys,
  type ReleaseResponse,
} from '@sotto/protocol/keyrelease'
import { expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { keysDocument } from '../../src/core/index.ts'
import { verifyPeer } from '../../src/handover/verify-peer.ts'
import { Enclave } from '../world.ts'
import { SUCCESSOR, UpgradeWorld } from './upgrade-world.ts'

async function releaseTo(world: UpgradeWorld): Promise<ReleasedKeys['keys']> {
  const enclave = new Enclave(world.workload)
  const request = await enclave.request(world)
  const { status, body, text } = await world.call('/v1/release', request)
  expect(status, text).toBe(200)
  return enclave.open(request, body as unknown as ReleaseResponse, world.genesis).keys
}

test(
  claim('T15', 'an upgrade goes from an attested KMS to an attested one, is in the log, and keeps every key'),
  async () => {
    const world = await UpgradeWorld.create()
    const before = { keys: await releaseTo(world), set: world.keySet }
    const obtained = await world.take()
    const old = await world.boot(obtained)

    expect(await releaseTo(world)).toEqual(before.keys)
    expect(world.keySet).toMatchObject({
      epoch: before.set.epoch + 1,
      previous: documentDigest(before.set),
      keys: before.set.keys,
    })
    expect(world.kms.view.boot.own.evidence).not.toEqual(old.view.boot.own.evidence)

    const [receipt] = world.logged<HandoverReceipt>(HANDOVER_RECEIPT_TYPE)
    const certificates = world.logged<KmsCertificate>(PAYLOAD_TYPES.kmsCertificate)
    expect(receipt!.document).toMatchObject({
      tuple: 'w-f6f6-e5e5',
      hardware: [`software ${'09'.repeat(64)}`],
      fromSecurityVersion: 1,
      toSecurityVersion: 2,
      generation: 1,
      keyIds: before.set.keys.map(({ keyId }) => keyId),
      fromKey: certificates[0]!.document.signingKey,
      toKey: certificates[1]!.document.signingKey,
    })
    expect(receipt!.index).toBeLessThan(certificates[1]!.index)
    expect(world.nextRoot.kept.map(toHex), 'the next one can start without the old one').toEqual(
      obtained.secrets.map(toHex),
    )
  },
)

test(claim('T11', 'the old KMS releases nothing more once the next one is in the log'), async () => {
  const world = await UpgradeWorld.create()
  const request = await new Enclave(world.workload).request(world)
  const old = await world.boot(await world.take())
  await expect(old.release(request)).rejects.toMatchObject({ code: 'KMS_FENCED' })
  expect(old.readiness()).toEqual({ ready: false, code: 'KMS_FENCED' })
  await expect(old.handOver((await world.handoverRequest()).request)).rejects.toMatchObject({
    code: 'KMS_FENCED',
  })
})

test(
  claim('T11', 'an answer the old KMS remembers does not leave again once the next one is in the log'),
  async () => {
    const world = await UpgradeWorld.create()
    const request = await new Enclave(world.workload).request(world)
    await world.kms.release(request)
    const receipts = world.receipts.length
    const old = await world.boot(await world.take())
    await expect(old.release(request)).rejects.toMatchObject({ code: 'KMS_FENCED' })
    expect(world.receipts).toHaveLength(receipts)
  },
)

test('an old KMS that nobody asks ends at its next tick', async () => {
  const world = await UpgradeWorld.create()
  const old = await world.boot(await world.take())
  await expect(old.tick()).rejects.toMatchObject({ code: 'KMS_FENCED' })
  expect(() => old.view).toThrow(expect.objectContaining({ code: 'KMS_FENCED' }))
})

test('until the next one is in the log, the old one serves', async () => {
  const world = await UpgradeWorld.create()
  await world.take()
  expect(await releaseTo(world)).toHaveLength(2)
  await world.kms.tick()
  expect(world.kms.readiness()).toEqual({ ready: true })
})

test('the next KMS goes on: it rotates, restarts, and hands over in turn', async () => {
  const world = await UpgradeWorld.create()
  await world.boot(await world.take())
  await world.rotate()
  world.now += 5
  await world.admit({ ...SUCCESSOR, image: 'f7'.repeat(32) }, 3)
  world.root = world.nextRoot.obtain()
  await world.start()
  const sets = world.logged<KeySet>(PAYLOAD_TYPES.keySet).map(({ document }) => document)
  expect(sets.map(({ epoch }) => epoch)).toEqual(sets.map((_, n) => n + 1))
  for (const [n, set] of sets.slice(1).entries()) expect(set.previous).toBe(documentDigest(sets[n]!))
})

test('the next KMS passes the very checks it made of the old one', async () => {
  const world = await UpgradeWorld.create()
  await world.boot(await world.take())
  const { config, openLog, clock } = world.tools()
  const log = openLog()
  const verified = await verifyPeer(
    keysDocument(world.kms.view),
    await log.latest(),
    log,
    config,
    clock.now(),
  )
  expect(verified).toMatchObject({ securityVersion: 2, generation: 1, rootKey: world.rootKeys.rootKey })
})

test(
  claim(['see.stores', 'T5'], 'what is handed over is in no log entry, answer or error in clear'),
  async () => {
    const world = await UpgradeWorld.create()
    const seen: string[] = []
    world.onAnswer = async (answer) => {
      seen.push(await answer.clone().text())
      return answer
    }
    const { secrets, handedOver } = await world.take()
    world.onAnswer = async (answer) => {
      const body = (await answer.json()) as Record<string, string>
      if (body['wrapped'] === undefined) return Response.json(body)
      return Response.json({ ...body, wrapped: `AAAA${body['wrapped'].slice(4)}` })
    }
    const error = await world.take().catch((refused: unknown) => refused as Error)
    expect(error).toMatchObject({ code: 'KMS_HANDOVER_INVALID' })
    seen.push(JSON.stringify(error), String((error as Error).stack), ...world.log.entries.map(fromUtf8))
    const everything = seen.join('\n')
    const privates = handedOver!.keys.map(({ privateKey }) => privateKey)
    expect(privates).toHaveLength(2)
    for (const secret of [...secrets, ...privates, handedOver!.statementKey.seed])
      for (const spelling of [toBase64Url(secret), toHex(secret), Buffer.from(secret).toString('base64')])
        expect(everything.includes(spelling)).toBe(false)
  },
)
