import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toBase64Url, toHex } from '@sotto/protocol/bytes'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { azureManagedHsmSource } from '../../../src/root/azure-managed-hsm/index.ts'
import { openRootSource } from '../../../src/root/index.ts'
import { writeRootFile } from '../../../src/root/root-file.ts'
import type { HsmKey, RootSource, RootTools } from '../../../src/root/types.ts'
import { seed } from '../../world.ts'
import { Azure, MATERIAL } from './azure.ts'
import { newVersion } from './fake-hsm.ts'

let azure: Azure
let folder: string
let path: string
beforeEach(async () => {
  azure = await Azure.start()
  folder = await mkdtemp(join(tmpdir(), 'sotto-hsm-'))
  path = join(folder, 'root.json')
})
afterEach(async () => {
  azure.close()
  await rm(folder, { recursive: true })
})

const OWNER = { digest: 'ab'.repeat(32), genesis: { envelope: '{}', index: 0 } }
const open = (change: Partial<HsmKey> = {}, where: string | null = path): RootSource =>
  azureManagedHsmSource(where ?? undefined, { ...azure.key, ...change }, azure.hardware(), azure.network)
const retries: string[] = []
const tools = (signal = new AbortController().signal): RootTools =>
  ({ signal, onRetry: (code: string) => retries.push(code) }) as unknown as RootTools
const secretsOf = async (source: RootSource): Promise<string[] | undefined> =>
  (await source.obtain(tools()))?.secrets.map(toHex)
const refused = (code: string) => expect.objectContaining({ code })

test('the same key leads to the same secret, on every machine that the HSM admits, and another key to another', async () => {
  const first = await secretsOf(open())
  expect(first).toHaveLength(1)
  expect(await secretsOf(open({}, null))).toEqual(first)
  // Pinned: a store that is sealed under it has to open tomorrow.
  expect(first).toEqual(['8a0f77c21dcaa2c9ad2e2d5f9a03e6b983716079afe2658e89d4a7e624e781ca'])
  azure.addVersion(azure.key.keyVersion, seed(1))
  expect(await secretsOf(open())).not.toEqual(first)
})

test('a rotation is found by a start at each of its steps, and the file says nothing', async () => {
  const source = open()
  const [first] = (await source.obtain(tools()))!.secrets
  await source.stage(seed(5), first!)
  expect(await secretsOf(open())).toEqual([seed(5), first!].map(toHex))
  const staged = await readFile(path, 'latin1')
  await source.settle(seed(5), OWNER)
  expect(await secretsOf(open())).toEqual([toHex(seed(5))])
  for (const text of [staged, await readFile(path, 'latin1')])
    for (const secret of [first!, seed(5), MATERIAL])
      expect(text.includes(toBase64Url(secret)) || text.includes(toHex(secret))).toBe(false)
  expect((await stat(path)).mode & 0o777).toBe(0o600)
})

test('another version of the key takes the place of the one before, and then needs it no more', async () => {
  const before = await secretsOf(open())
  const keyVersion = newVersion()
  azure.addVersion(keyVersion, seed(2))
  const change = { keyVersion, previousKeyVersion: azure.key.keyVersion }
  expect(await secretsOf(open(change))).toEqual(before)
  azure.hsm.versions.delete(`root/${azure.key.keyVersion}`)
  expect(await secretsOf(open(change))).toEqual(before)
  expect(await secretsOf(open({ keyVersion }))).toEqual(before)
  await expect(open().obtain(tools())).rejects.toEqual(refused('KMS_ROOT_FILE'))
})

test('a rotation that is under way survives another version of the key', async () => {
  const source = open()
  const [first] = (await source.obtain(tools()))!.secrets
  await source.stage(seed(5), first!)
  const keyVersion = newVersion()
  azure.addVersion(keyVersion, seed(2))
  await open({ keyVersion, previousKeyVersion: azure.key.keyVersion }).obtain(tools())
  expect(await secretsOf(open({ keyVersion }))).toEqual([seed(5), first!].map(toHex))
})

test('a file of another key, or of another source, opens nothing', async () => {
  const source = open()
  await source.obtain(tools())
  await source.settle(seed(5), OWNER)
  azure.addVersion(azure.key.keyVersion, seed(1))
  await expect(open().obtain(tools())).rejects.toEqual(refused('KMS_STORE_SEALED'))
  await writeRootFile(path, { version: 1, source: 'custodians', genesis: OWNER.digest, index: 0 })
  await expect(open().obtain(tools())).rejects.toEqual(refused('KMS_ROOT_FILE'))
})

test('without a folder there is nowhere to keep another secret', async () => {
  const source = open({}, null)
  const [first] = (await source.obtain(tools()))!.secrets
  expect(source.canRotate).toBe(false)
  await expect(source.stage(seed(5), first!)).rejects.toEqual(refused('KMS_ROOT_FILE'))
})

test('a start waits for an HSM that does not answer, says so, and takes nothing in its place', async () => {
  retries.length = 0
  let times = 6
  azure.faults.set('keys', (_, response) => {
    if (times-- <= 0) return false
    response.writeHead(503, { 'retry-after': '0' }).end('{}')
    return true
  })
  expect(await secretsOf(open())).toHaveLength(1)
  expect(retries).toEqual(['KMS_HSM_UNAVAILABLE'])
})

test('a start that is to end while the HSM does not answer gives no secret', async () => {
  azure.faults.set('attest', (_, response) => {
    response.writeHead(503).end('{}')
    return true
  })
  expect(await open().obtain(tools(AbortSignal.timeout(300)))).toBeUndefined()
  const ending = new AbortController()
  let toldAt = 0
  const onRetry = (): void => {
    toldAt = performance.now()
    ending.abort()
  }
  expect(await open().obtain({ ...tools(ending.signal), onRetry })).toBeUndefined()
  expect(performance.now() - toldAt, 'no pause is waited for').toBeLessThan(900)
})

test('what the HSM refuses ends the start: there is no other source', async () => {
  azure.hsm.versions.clear()
  await expect(open().obtain(tools())).rejects.toEqual(refused('KMS_HSM_REFUSED'))
  azure.addVersion(azure.key.keyVersion, MATERIAL)
  azure.hsm.versions.get(`root/${azure.key.keyVersion}`)!.immutable = false
  await expect(open().obtain(tools())).rejects.toEqual(refused('KMS_HSM_POLICY'))
  expect(await secretsOf(open({ allowMutablePolicy: true }))).toHaveLength(1)
})

test('the configuration opens it, on hardware that a key can be released to', async () => {
  const config = { source: 'azure-managed-hsm', folder: undefined, ...azure.key } as const
  const source = await openRootSource(config, folder, azure.hardware())
  expect(source).toMatchObject({ name: 'azure-managed-hsm', sharing: undefined, canRotate: true })
  const software = { ...azure.hardware(), family: 'software' as const }
  await expect(openRootSource(config, folder, software)).rejects.toEqual(refused('KMS_HSM_HARDWARE'))
})
