import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { releaseMaterial } from '../../../src/root/azure-managed-hsm/release.ts'
import { openTransport } from '../../../src/root/azure-managed-hsm/transport.ts'
import type { HsmKey } from '../../../src/root/types.ts'
import { Azure, type Fault, MATERIAL } from './azure.ts'

let azure: Azure
let elsewhere: Server
const reached: string[] = []
beforeEach(async () => {
  azure = await Azure.start()
  reached.length = 0
  elsewhere = createServer((request, response) => {
    reached.push(request.url!)
    response.end('{}')
  }).listen(0, '127.0.0.1')
  await once(elsewhere, 'listening')
})
afterEach(() => {
  azure.close()
  elsewhere.close()
  for (const name of ['HTTPS_PROXY', 'ALL_PROXY']) delete process.env[name]
})

const { signal } = new AbortController()
const release = (change: Partial<HsmKey> = {}, network = azure.network): Promise<Uint8Array> =>
  releaseMaterial({ ...azure.key, ...change }, azure.key.keyVersion, azure.hardware(), { signal, network })
const refused = (code: string, found?: RegExp) =>
  expect.objectContaining({ code, ...(found !== undefined && { found: expect.stringMatching(found) }) })
const urlOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
/** Answers with a status, the first so many times. */
const status =
  (code: number, times: number, headers: Record<string, string> = {}): Fault =>
  (_, response) => {
    if (times-- <= 0) return false
    response.writeHead(code, headers).end('{"error":{"code":"Busy","message":"later"}}')
    return true
  }

test.each([429, 503])('a status %i of the HSM is tried again, within bounds', async (code) => {
  azure.faults.set('keys', status(code, 2, { 'retry-after': '0' }))
  expect(await release()).toEqual(MATERIAL)
  azure.faults.set('keys', status(code, 1000, { 'retry-after': '0' }))
  azure.asked.length = 0
  await expect(release()).rejects.toEqual(refused('KMS_HSM_UNAVAILABLE', new RegExp(`^${code}`)))
  expect(azure.asked.filter((path) => path.includes('/keys/'))).toHaveLength(4)
})

test('how long the HSM wants us to wait is not for the HSM to say', async () => {
  azure.faults.set('keys', status(503, 1000, { 'retry-after': '100000' }))
  const began = performance.now()
  const ending = AbortSignal.timeout(1500)
  await expect(
    releaseMaterial(azure.key, azure.key.keyVersion, azure.hardware(), {
      signal: ending,
      network: azure.network,
    }),
  ).rejects.toEqual(refused('KMS_HSM_UNAVAILABLE'))
  expect(performance.now() - began).toBeLessThan(10_000)
})

test.each(['attest', 'metadata', 'keys'])('a passing failure of %s is told as one', async (service) => {
  azure.faults.set(service, status(503, 1000, { 'retry-after': '0' }))
  await expect(release()).rejects.toEqual(refused('KMS_HSM_UNAVAILABLE'))
})

test.each([301, 302, 307, 308])('nobody is sent elsewhere by a status %i', async (code) => {
  for (const service of ['attest', 'metadata', 'keys']) {
    azure.faults.clear()
    azure.faults.set(service, status(code, 1000, { location: urlOf(elsewhere) }))
    await expect(release(), service).rejects.toEqual(
      refused(service === 'keys' ? 'KMS_HSM_ANSWER' : 'KMS_HSM_REFUSED', new RegExp(`^${code}`)),
    )
  }
  expect(reached).toEqual([])
})

test('a slow service is given up', async () => {
  const slow: Fault = (_, response) => {
    response.writeHead(200).write('{"token":')
    return true
  }
  for (const service of ['attest', 'metadata', 'keys']) {
    azure.faults.clear()
    azure.faults.set(service, slow)
    await expect(release({}, { ...azure.network, timeoutMs: 400 }), service).rejects.toEqual(
      refused('KMS_HSM_UNAVAILABLE'),
    )
  }
})

test('an endless answer, and one that breaks off, are refused', async () => {
  azure.faults.set('attest', (_, response) => {
    response.writeHead(200)
    const more = (): void => void (response.destroyed || response.write('x'.repeat(65_536), more))
    more()
    return true
  })
  await expect(release()).rejects.toEqual(refused('KMS_HSM_ANSWER'))
  azure.faults.set('attest', (_, response) => {
    response.writeHead(200, { 'content-length': '1000' }).write('{"token":')
    setTimeout(() => response.destroy(), 20)
    return true
  })
  await expect(release()).rejects.toEqual(refused('KMS_HSM_UNAVAILABLE'))
})

test('a name that the certificate does not have is not the HSM', async () => {
  const vaultUrl = azure.key.vaultUrl.replace('sotto', 'other')
  await expect(release({ vaultUrl })).rejects.toEqual(
    refused('KMS_HSM_UNAVAILABLE', /^other.managedhsm.azure.net$/),
  )
  const { ca: _, ...withoutAuthority } = azure.network
  await expect(release({}, withoutAuthority)).rejects.toEqual(refused('KMS_HSM_UNAVAILABLE'))
})

test('without TLS nothing is asked', async () => {
  await expect(release({ maa: urlOf(elsewhere) })).rejects.toEqual(refused('KMS_HSM_ANSWER', /^http:$/))
  await expect(
    openTransport()({ method: 'GET', url: new URL(urlOf(elsewhere)), headers: {} }),
  ).rejects.toEqual(refused('KMS_HSM_ANSWER', /^http:$/))
  expect(reached).toEqual([])
})

test('a proxy that the environment names gets nothing', async () => {
  process.env['HTTPS_PROXY'] = process.env['ALL_PROXY'] = urlOf(elsewhere)
  expect(await release()).toEqual(MATERIAL)
  expect(reached).toEqual([])
})

test('a challenge for another service gets no token for it', async () => {
  azure.faults.set('keys', (_, response) => {
    const challenge = 'Bearer authorization="https://login.test/t", resource="https://vault.azure.net"'
    response.writeHead(401, { 'www-authenticate': challenge }).end('{}')
    return true
  })
  await expect(release()).rejects.toEqual(refused('KMS_HSM_ANSWER'))
  azure.faults.set('keys', (_, response) => {
    const challenge =
      'Bearer authorization="https://login.test/t", scope="https://managedhsm.azure.net/other"'
    response.writeHead(401, { 'www-authenticate': challenge }).end('{}')
    return true
  })
  await expect(release()).rejects.toEqual(refused('KMS_HSM_ANSWER'))
  expect(azure.asked.filter((path) => path.includes('metadata'))).toEqual([])
})

test.each<[string, unknown]>([
  ['no token', {}],
  ['a token that is no text', { access_token: 7, expires_on: '1' }],
  ['a token that ends a header', { access_token: 'a\r\nx: y', expires_on: '1' }],
  ['a token without an end', { access_token: 'abc' }],
])('the metadata service answers %s', async (_, answer) => {
  azure.faults.set('metadata', (__, response) => {
    response.end(JSON.stringify(answer))
    return true
  })
  await expect(release()).rejects.toEqual(refused('KMS_HSM_ANSWER'))
})

test.each<[string, string]>([
  ['another issuer', 'maa'],
  ['no token', 'none'],
  ['no JSON', 'text'],
])('the attestation service answers %s', async (_, kind) => {
  const foreign = {
    token: new TextDecoder().decode(
      azure.maa.token({ claims: { iss: 'https://other.eus.attest.azure.net' } }),
    ),
  }
  azure.faults.set('attest', (__, response) => {
    response.end(kind === 'text' ? '<html>' : JSON.stringify(kind === 'maa' ? foreign : {}))
    return true
  })
  await expect(release()).rejects.toEqual(refused('KMS_HSM_ANSWER'))
})
