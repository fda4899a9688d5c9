import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toBase64Url } from '@sotto/protocol/bytes'
import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { type RootFile, readRootFile, writeRootFile } from '../../src/root/root-file.ts'
import { deriveRoot, openBridge, sealBridge } from '../../src/root/secret.ts'
import { teeSource } from '../../src/root/tee.ts'
import { hardwareOf, KMS_IMAGE, seed } from '../world.ts'

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sotto-root-'))
  path = join(folder, 'root.json')
})
afterEach(() => rm(folder, { recursive: true }))

/** Derives other keys for other machines and contexts, as a TEE does. */
const hardware = (machine = 1) => ({
  ...hardwareOf({ image: KMS_IMAGE, hostData: 'd4'.repeat(32) }),
  deriveSealingKey: async (context: string) =>
    seed(machine).map((byte, n) => byte ^ (context.charCodeAt(n) || 0)),
})
const secretsOf = async (machine = 1): Promise<string[]> =>
  (await teeSource(path, hardware(machine)).obtain(undefined as never))!.secrets.map(toBase64Url)
const OWNER = { digest: 'ab'.repeat(32), genesis: { envelope: '{}', index: 0 } }

test('one measurement on one machine has one secret, without anything kept', async () => {
  expect(await secretsOf()).toEqual(await secretsOf())
  expect(await secretsOf(2)).not.toEqual(await secretsOf())
  expect(await readdir(folder)).toEqual([])
})

test('a rotation is found by a start at each of its steps, and the file says nothing', async () => {
  const source = teeSource(path, hardware())
  const [first] = (await source.obtain(undefined as never))!.secrets
  await source.stage(seed(5), first!)
  expect(await secretsOf()).toEqual([seed(5), first!].map(toBase64Url))
  await source.stage(seed(5), first!)
  const staged = await readFile(path, 'latin1')
  await source.settle(seed(5), OWNER)
  expect(await secretsOf()).toEqual([toBase64Url(seed(5))])
  for (const text of [staged, await readFile(path, 'latin1')])
    for (const secret of [first!, seed(5)])
      expect(text.includes(toBase64Url(secret)) || text.includes(Buffer.from(secret).toString('hex'))).toBe(
        false,
      )
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect(await readdir(folder), 'nothing half written stays').toEqual(['root.json'])
})

test(claim('T7', 'another machine or measurement does not open what was sealed'), async () => {
  await teeSource(path, hardware()).settle(seed(5), OWNER)
  await expect(secretsOf(2)).rejects.toMatchObject({ code: 'KMS_STORE_SEALED', action: 'stop' })
})

test('without a folder there is nowhere to keep another secret', async () => {
  const source = teeSource(undefined, hardware())
  expect(source.canRotate).toBe(false)
  await expect(source.stage(seed(5), seed(1))).rejects.toMatchObject({ code: 'KMS_ROOT_FILE' })
})

const SEALED = toBase64Url(new Uint8Array(60))
test.each<[string, string]>([
  ['no JSON', '{'],
  ['empty', ''],
  ['another version', JSON.stringify({ sealed: SEALED, source: 'tee', version: 2 })],
  ['no secret', JSON.stringify({ source: 'tee', version: 1 })],
  ['no genesis', JSON.stringify({ index: 1, source: 'custodians', version: 1 })],
  ['another source', JSON.stringify({ sealed: SEALED, source: 'disk', version: 1 })],
  ['a secret that is too short', JSON.stringify({ sealed: 'AAAA', source: 'tee', version: 1 })],
  ['an unknown member', JSON.stringify({ extra: 1, sealed: SEALED, source: 'tee', version: 1 })],
  ['members in another order', JSON.stringify({ version: 1, source: 'tee', sealed: SEALED })],
  ['far too long', JSON.stringify({ bridge: 'A'.repeat(5000), sealed: SEALED, source: 'tee', version: 1 })],
])('a root file with %s is refused by name', async (_, text) => {
  await writeFile(path, text)
  await expect(readRootFile(path)).rejects.toMatchObject({ code: 'KMS_ROOT_FILE', action: 'fix-input' })
})

test('a root file of custodians is none of a TEE', async () => {
  await writeRootFile(path, { version: 1, source: 'custodians', genesis: 'ab'.repeat(32), index: 3 })
  await expect(secretsOf()).rejects.toMatchObject({ code: 'KMS_ROOT_FILE', found: 'custodians' })
})

test('a root file comes back as it was written', async () => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length }).map(toBase64Url)
  const files: fc.Arbitrary<RootFile> = fc.oneof(
    fc.record({ version: fc.constant(1 as const), source: fc.constant('tee' as const), sealed: bytes(60) }),
    fc.record({
      version: fc.constant(1 as const),
      source: fc.constant('custodians' as const),
      genesis: fc.constant('cd'.repeat(32)),
      index: fc.nat(),
      bridge: bytes(60),
    }),
  )
  await fc.assert(
    fc.asyncProperty(files, async (file) => {
      await writeRootFile(path, file)
      expect(await readRootFile(path)).toEqual(file)
    }),
    { numRuns: 15 },
  )
})

test('each key of a root secret has a purpose of its own, and a bridge leads one way', () => {
  const { signer, sealingKey, secret } = deriveRoot(seed(3))
  const keys = [signer.secretSeed, sealingKey(), secret].map(toBase64Url)
  expect(new Set(keys).size).toBe(3)
  const bridge = sealBridge(seed(4), seed(3))
  expect(openBridge(seed(4), bridge)).toEqual(seed(3))
  expect(() => openBridge(seed(3), bridge)).toThrow(expect.objectContaining({ code: 'CRYPTO_OPEN_FAILED' }))
  expect(() => deriveRoot(new Uint8Array(31))).toThrow(RangeError)
})
