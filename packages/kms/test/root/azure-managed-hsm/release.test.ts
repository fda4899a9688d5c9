import { generateKeyPairSync } from 'node:crypto'
import { inspect } from 'node:util'
import { fromBase64, fromUtf8, toBase64Url, toHex } from '@sotto/protocol/bytes'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { deriveFromMaterial } from '../../../src/root/azure-managed-hsm/material.ts'
import { releaseMaterial } from '../../../src/root/azure-managed-hsm/release.ts'
import { ACCESS_TOKEN, Azure, MATERIAL } from './azure.ts'

let azure: Azure
beforeEach(async () => void (azure = await Azure.start()))
afterEach(() => azure.close())

const signal = new AbortController().signal
const release = (change: Parameters<Azure['hardware']>[0] = {}): Promise<Uint8Array> =>
  releaseMaterial(azure.key, azure.key.keyVersion, azure.hardware(change), { signal, network: azure.network })
const refused = (code: string, action: string, found?: RegExp) =>
  expect.objectContaining({
    code,
    action,
    ...(found !== undefined && { found: expect.stringMatching(found) }),
  })

test('the HSM releases a key to the machine that was attested, through challenge, identity and token', async () => {
  expect(await release()).toEqual(MATERIAL)
  expect(azure.asked).toEqual([
    'POST /attest/SevSnpVm',
    `POST /keys/root/${azure.key.keyVersion}/release`,
    'GET /metadata/identity/oauth2/token',
    `POST /keys/root/${azure.key.keyVersion}/release`,
  ])
})

test('an RSA key leads to one secret, however the HSM encodes it', async () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pkcs8 = new Uint8Array(privateKey.export({ type: 'pkcs8', format: 'der' }))
  azure.addVersion(azure.key.keyVersion, pkcs8, 'RSA-HSM')
  const [first, second] = [await release(), await release()]
  expect(first).toEqual(second)
  const { p, q } = privateKey.export({ format: 'jwk' }) as { p: string; q: string }
  const primes = [p, q].map((text) => toHex(fromBase64(Buffer.from(text, 'base64url').toString('base64'))))
  expect(toHex(first)).toBe(primes.toSorted().toReversed().join(''))
  expect(deriveFromMaterial(first, 'secret')).not.toEqual(deriveFromMaterial(first, 'sealing'))
})

test.each<[string, Parameters<Azure['hardware']>[0]]>([
  ['another program', { measurement: new Uint8Array(48).fill(1) }],
  ['another configuration', { hostData: new Uint8Array(32).fill(1) }],
  ['a guest that can be debugged', { policy: 0xb0000n }],
])('the policy of the key refuses %s, and nothing is released', async (_, change) => {
  await expect(release(change)).rejects.toEqual(
    refused('KMS_HSM_REFUSED', 'fix-input', /^403 Forbidden.ReleasePolicy$/),
  )
})

test('the HSM refuses an expired token', async () => {
  azure.hsm.now += 86_400
  await expect(release()).rejects.toEqual(refused('KMS_HSM_REFUSED', 'fix-input', /^403 Token_expired$/))
})

test('a release that is sent again as it was is refused for its nonce', async () => {
  await release()
  await release()
  const [first, second] = azure.hsm.asked as [Uint8Array, Uint8Array]
  const nonceOf = (body: Uint8Array): string => (JSON.parse(fromUtf8(body)) as { nonce: string }).nonce
  expect(nonceOf(first)).toMatch(/^[A-Za-z0-9_-]{43}$/)
  expect(nonceOf(second)).not.toBe(nonceOf(first))
  const { vaultUrl, keyVersion } = azure.key
  const url = new URL(`${vaultUrl}/keys/root/${keyVersion}/release?api-version=7.5`)
  expect(() => azure.hsm.release(url, vaultUrl, first)).toThrow('Replay')
})

test('a machine whose report is about another key gets no token', async () => {
  const hardware = azure.hardware()
  const collect = hardware.collectEvidence.bind(hardware)
  hardware.collectEvidence = () => collect(new Uint8Array(64).fill(7))
  await expect(
    releaseMaterial(azure.key, azure.key.keyVersion, hardware, { signal, network: azure.network }),
  ).rejects.toEqual(refused('KMS_HSM_REFUSED', 'fix-input', /^400 RuntimeDataMismatch$/))
})

test('a key that does not exist, and one of another type, are refused by name', async () => {
  azure.addVersion(azure.key.keyVersion, MATERIAL, 'EC-HSM')
  await expect(release()).rejects.toEqual(refused('KMS_HSM_ANSWER', 'stop', /^EC-HSM$/))
  azure.addVersion(azure.key.keyVersion, MATERIAL.subarray(0, 16))
  await expect(release()).rejects.toEqual(refused('KMS_HSM_ANSWER', 'stop', /^16 bytes$/))
  azure.hsm.versions.clear()
  await expect(release()).rejects.toEqual(refused('KMS_HSM_REFUSED', 'fix-input', /^404 KeyNotFound$/))
})

test('neither access token nor key stands in an error or what hangs on it', async () => {
  azure.hsm.versions.clear()
  const error = await release().catch((caught: unknown) => caught)
  const text = inspect(error, { depth: 12, showHidden: true })
  for (const secret of [ACCESS_TOKEN, toBase64Url(MATERIAL), toHex(MATERIAL), 'Bearer'])
    expect(text).not.toContain(secret)
})

test.each(['azure-cvm', 'software', 'nitro', 'sgx'] as const)('no key is released to %s', async (family) => {
  const hardware = { ...azure.hardware(), family }
  await expect(
    releaseMaterial(azure.key, azure.key.keyVersion, hardware, { signal, network: azure.network }),
  ).rejects.toEqual(refused('KMS_HSM_HARDWARE', 'fix-input'))
  expect(azure.asked).toEqual([])
})
