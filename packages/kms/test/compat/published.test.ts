import { get } from 'node:https'
import { fakeAmd } from '@sotto/testkit/snp'
import { fakeMaa } from '@sotto/testkit/tokens'
import {
  AZURE_PAYLOAD_TYPES,
  type AzureService,
  azureServiceDecoder,
  parseCcfReceipt,
  parsePublishedKeys,
  verifyCcfReceipt,
} from '@sotto/protocol/azure-dialect'
import { fromBase64Url, toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { parseDsse, verifyDsse } from '@sotto/protocol/dsse'
import { decodeDocument } from '@sotto/protocol/keyrelease'
import { parseCertificate, pemToDer } from '@sotto/protocol/x509'
import { startServer } from '@sotto/serve/server'
import { expect, test, vi } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { createAzureIdentity } from '../../src/compat/index.ts'
import { World } from '../world.ts'
import { AzureWorld, guest } from './azure-world.ts'

/** Roots that stand in for those pinned in the verifier. */
const pinned = vi.hoisted(() => ({}) as Record<string, unknown>)
vi.mock('../../../verifier/src/snp/roots.ts', () => ({ snpVendorRoots: () => pinned['amd'] }))
const amd = fakeAmd()
pinned['amd'] = amd.roots
const maa = fakeMaa()

const openWorld = (): Promise<AzureWorld> => AzureWorld.open(maa, amd, [guest()])
const certificateOf = (pem: string) => parseCertificate(pemToDer(pem, 'CERTIFICATE'))
const listOf = async (world: AzureWorld) => parsePublishedKeys((await world.ask('/listpubkeys')).text)

test('a list is pending until the log has what it rests on, then each key has a receipt that holds', async () => {
  const world = await openWorld()
  const pending = await world.once('/listpubkeys')
  expect([pending.status, pending.headers.get('retry-after')]).toEqual([202, '3'])
  const service = certificateOf(world.identity.service.pem)
  world.now += 86_000
  await world.kms.tick()
  const list = await listOf(world)
  expect(list).toHaveLength(2)
  for (const { bytes, receipt } of list)
    verifyCcfReceipt(parseCcfReceipt(receipt), { service, config: bytes, at: world.now })
  // Their client takes the last one: the newest.
  const { keys } = world.keySet
  const lives = list.map(({ bytes }) =>
    keys.find(({ config }) => toHex(fromBase64Url(config)) === toHex(bytes))!,
  )
  expect(lives[0]!.notAfter).toBeLessThan(lives[1]!.notAfter)
  const { leaf_components: leaf } = parseCcfReceipt(list[0]!.receipt)
  const { envelope, index } = world.kms.view.state.epoch!.statement
  expect(leaf.write_set_digest).toBe(toHex(crypto.sha256(utf8(envelope))))
  expect(leaf.commit_evidence).toBe(`ce:sotto:${world.genesis}:${world.keySet.epoch}:${index}`)
  expect(world.log.entries[index!]).toEqual(utf8(envelope))
})

test('a receipt for another key, or by another service, does not hold', async () => {
  const world = await openWorld()
  world.now += 86_000
  await world.kms.tick()
  const [older, newer] = await listOf(world)
  const service = certificateOf(world.identity.service.pem)
  const other = certificateOf(createAzureIdentity([], world.now).service.pem)
  const receipt = parseCcfReceipt(newer!.receipt)
  expect(() => verifyCcfReceipt(receipt, { service, config: older!.bytes, at: world.now })).toThrow(
    /another key/,
  )
  expect(() => verifyCcfReceipt(receipt, { service: other, config: newer!.bytes, at: world.now })).toThrow(
    /certify/,
  )
})

test(
  claim('T1', 'the certificate that clients of the dialect pin is bound to the genesis, in the log'),
  async () => {
    const world = await openWorld()
    const { body } = await world.ask('/sotto/service')
    const { certificate, statement } = body as {
      certificate: string
      statement: { envelope: string; index: number }
    }
    expect(world.log.entries[statement.index]).toEqual(utf8(statement.envelope))
    const { payload } = verifyDsse(parseDsse(utf8(statement.envelope)), AZURE_PAYLOAD_TYPES.service, [
      fromBase64Url(world.kms.view.boot.statementKey.publicKey),
    ])
    const document: AzureService = decodeDocument(payload, azureServiceDecoder)
    expect(document.genesis).toBe(world.genesis)
    expect(document.certificate).toBe(toHex(crypto.sha256(pemToDer(certificate, 'CERTIFICATE'))))
    expect(document.notAfter).toBe(certificateOf(certificate).notAfter)
    expect((await world.ask('/app/node/network')).body['service_certificate']).toBe(certificate)
    // Another boot signs it once more.
    await world.start()
    await world.ask('/listpubkeys')
    const signed = world.logged<AzureService>(AZURE_PAYLOAD_TYPES.service)
    expect(signed.map(({ document: one }) => one)).toEqual([document, document])
  },
)

test('whoever connects changes nothing: members decide on new keys', async () => {
  const world = await openWorld()
  const before = world.keySet.epoch
  for (const path of ['/refresh', '/app/refresh']) {
    const { status, body } = await world.ask(path, { method: 'POST', token: 'abc' })
    expect([status, (body['error'] as { code: string }).code]).toEqual([403, 'KMS_REFRESH_GOVERNED'])
  }
  expect(world.keySet.epoch).toBe(before)
  expect(world.azureRefused).toEqual([
    ['KMS_REFRESH_GOVERNED', 403],
    ['KMS_REFRESH_GOVERNED', 403],
  ])
})

test('the other routes say what is public, at / and at /app/', async () => {
  const world = await openWorld()
  for (const prefix of ['', '/app']) {
    expect((await world.ask(`${prefix}/heartbeat`)).body).toEqual({ status: 'Service is running' })
    expect((await world.ask(`${prefix}/settingsPolicy`)).body).toMatchObject({ service: { debug: false } })
    const { body } = await world.ask(`${prefix}/keyReleasePolicy`)
    expect(body).toEqual(world.kms.view.state.policies.get(world.kms.view.state.policy!)!.document)
    expect((await world.ask(`${prefix}/auth`)).status).toBe(401)
  }
  for (const [method, path] of [
    ['GET', '/key'],
    ['GET', '/refresh'],
    ['POST', '/listpubkeys'],
    ['GET', '/app/app/listpubkeys'],
    ['GET', '/v1/keys'],
    ['POST', '/v1/release'],
  ] as const)
    expect([path, (await world.ask(path, { method })).status]).toEqual([path, 404])
})

test('before the start nothing is served', async () => {
  const world = new AzureWorld(maa, amd)
  for (const path of ['/listpubkeys', '/heartbeat', '/auth']) expect((await world.ask(path)).status).toBe(503)
})

test('off by default: neither route nor key', async () => {
  const world = await World.ready()
  expect(world.config.compat).toBeUndefined()
  expect([...world.kms.view.state.keys.values()].map(({ kem }) => kem)).toEqual(['X-Wing', 'X25519'])
  for (const path of ['/listpubkeys', '/app/listpubkeys', '/node/network'])
    expect((await world.app(new Request(`http://kms.test${path}`))).status).toBe(404)
  expect(new AzureWorld(maa, amd).config.suites).toEqual(['X-Wing', 'X25519', 'P-384'])
})

test('TLS stands on the service certificate, and on no other', async () => {
  const now = Math.floor(Date.now() / 1000)
  const identity = createAzureIdentity(['localhost', '127.0.0.1'], now)
  const server = await startServer(async () => new Response('hello'), {
    host: '127.0.0.1',
    port: 0,
    tls: identity.tls,
  })
  const ask = (ca: string, host = '127.0.0.1'): Promise<string> =>
    new Promise((resolve, reject) => {
      get({ host, port: server.port, path: '/', ca, agent: false, family: 4 }, (response) => {
        response.setEncoding('utf8').on('data', resolve)
      }).on('error', (error) => reject(error))
    })
  expect(server.url).toBe(`https://127.0.0.1:${server.port}`)
  expect(await ask(identity.service.pem)).toBe('hello')
  expect(await ask(identity.service.pem, 'localhost')).toBe('hello')
  await expect(ask(createAzureIdentity([], now).service.pem)).rejects.toThrow()
  await server.close()
})
