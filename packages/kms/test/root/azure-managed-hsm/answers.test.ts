import { generateKeyPairSync } from 'node:crypto'
import { toBase64Url, utf8 } from '@sotto/protocol/bytes'
import * as fc from 'fast-check'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { parseReleasedKey } from '../../../src/root/azure-managed-hsm/released-key.ts'
import { releaseMaterial } from '../../../src/root/azure-managed-hsm/release.ts'
import { Azure, MATERIAL } from './azure.ts'
import { type HsmFaults, type ReleaseAnswer } from './fake-hsm.ts'

let azure: Azure
beforeAll(async () => void (azure = await Azure.start()))
afterEach(() => {
  for (const name of Object.keys(azure.hsm.faults) as (keyof HsmFaults)[]) delete azure.hsm.faults[name]
  azure.addVersion(azure.key.keyVersion, MATERIAL)
})
afterAll(() => azure.close())

const { signal } = new AbortController()
const release = (): Promise<Uint8Array> =>
  releaseMaterial(azure.key, azure.key.keyVersion, azure.hardware(), { signal, network: azure.network })
const stopped = (code: string) => expect.objectContaining({ code, action: 'stop' })

const OTHER = generateKeyPairSync('rsa', { modulusLength: 3072 }).publicKey.export({ format: 'jwk' }) as {
  n: string
  e: string
}
const keyOf = ({ response }: ReleaseAnswer): Record<string, unknown> => response.key.key
const flip = (at: number) => (bytes: Uint8Array) =>
  bytes.map((byte, n) => (n === (at + bytes.length) % bytes.length ? byte ^ 1 : byte))

test.each<[string, HsmFaults]>([
  ['a key wrapped to somebody else', { wrapTo: OTHER }],
  ['a blob whose wrapped AES key was altered', { wrapped: flip(5) }],
  ['a blob whose wrapped key was altered', { wrapped: flip(-1) }],
  ['a blob that ends early', { wrapped: (bytes) => bytes.subarray(0, -8) }],
  ['a blob without a key in it', { wrapped: (bytes) => bytes.subarray(0, 384) }],
  [
    'a blob with something after it',
    { wrapped: (bytes) => new Uint8Array([...bytes, ...new Uint8Array(8)]) },
  ],
  ['a blob far too long', { wrapped: () => new Uint8Array(20_000) }],
  ['an answer far too long', { value: (jws) => jws.repeat(60) }],
  [
    'the key of another name',
    { answer: (it) => void (keyOf(it)['kid'] = `${azure.key.vaultUrl}/keys/other/1`) },
  ],
  [
    'the key of another HSM',
    { answer: (it) => void (keyOf(it)['kid'] = 'https://other.managedhsm.azure.net/keys/root/1') },
  ],
  ['a key without a name', { answer: (it) => void delete keyOf(it)['kid'] }],
  ['another wrapping', { answer: (it) => void (it.request['enc'] = 'RSA_AES_KEY_WRAP_256') }],
  ['no wrapping', { answer: (it) => void delete it.request['enc'] }],
  ['the answer to another release', { answer: (it) => void (it.request['nonce'] = 'AAAA') }],
  [
    'the answer about another key',
    { answer: (it) => void (it.request['kid'] = 'https://other/keys/root/1') },
  ],
  ['key_hsm that is no text', { answer: (it) => void (keyOf(it)['key_hsm'] = 7) }],
  [
    'key_hsm that is no JSON',
    { answer: (it) => void (keyOf(it)['key_hsm'] = toBase64Url(utf8('{"a":1,"a":2}'))) },
  ],
  ['an answer without a policy', { answer: (it) => void delete it.response.key.release_policy }],
  ['an answer without a signature', { value: (jws) => jws.slice(0, jws.lastIndexOf('.') + 1) }],
  ['an answer in two parts', { value: (jws) => jws.slice(0, jws.lastIndexOf('.')) }],
  ['an answer that is no text', { value: () => ({ a: 1 }) }],
  ['no answer', { value: () => 7 }],
])('refuses %s', async (_, faults) => {
  Object.assign(azure.hsm.faults, faults)
  await expect(release()).rejects.toEqual(stopped('KMS_HSM_ANSWER'))
})

test('an answer without an echo of the nonce is one all the same: the key pair is new', async () => {
  azure.hsm.faults.answer = (it) => void delete it.request['nonce']
  expect(await release()).toEqual(MATERIAL)
})

test('whatever stands in an answer, it is read or refused by name', () => {
  const question = { kid: 'https://sotto.managedhsm.azure.net/keys/root/1', nonce: 'n' }
  const part = fc.oneof(
    fc.string(),
    fc.json().map((text) => toBase64Url(utf8(text))),
    fc.uint8Array().map((bytes) => toBase64Url(bytes)),
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 4 }), (parts) => {
      expect(() => parseReleasedKey(parts.join('.'), question)).toThrow(
        expect.objectContaining({ code: 'KMS_HSM_ANSWER' }),
      )
    }),
    { numRuns: 300 },
  )
})
