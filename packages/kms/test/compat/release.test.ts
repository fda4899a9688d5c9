import { fakeAmd } from '@sotto/testkit/snp'
import { fakeMaa } from '@sotto/testkit/tokens'
import { FAKE_NOW } from '@sotto/testkit/x509'
import { AZURE_PAYLOAD_TYPES, type AzureRelease, parsePublishedKeys } from '@sotto/protocol/azure-dialect'
import { fromUtf8, toBase64, toBase64Url, toHex } from '@sotto/protocol/bytes'
import { HPKE_KEM, kemById } from '@sotto/protocol/hpke'
import { expect, test, vi } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { AzureWorld, guest, tokenOf, unwrap } from './azure-world.ts'

/** Roots that stand in for those pinned in the verifier. */
const pinned = vi.hoisted(() => ({}) as Record<string, unknown>)
vi.mock('../../../verifier/src/snp/roots.ts', () => ({ snpVendorRoots: () => pinned['amd'] }))
const amd = fakeAmd()
pinned['amd'] = amd.roots
const maa = fakeMaa()
const own = guest()

const newestKey = async (world: AzureWorld) =>
  parsePublishedKeys((await world.ask('/listpubkeys')).text).at(-1)!.config

test(
  claim('T4', 'a key goes to the TPM that an admitted token vouches for, and the log knows first'),
  async () => {
    const world = await AzureWorld.open(maa, amd, [own])
    const { keyId, publicKey } = await newestKey(world)
    for (const prefix of ['', '/app']) {
      const { status, body, text } = await world.ask(`${prefix}/key?kid=${keyId}&encrypted=true`, {
        method: 'POST',
        token: tokenOf(maa, own),
      })
      expect(status, text).toBe(200)
      expect(body['kid']).toBe(keyId)
      const key = unwrap(own, body['key'] as string)
      expect([key.keyId, toHex(key.publicKey)]).toEqual([keyId, toHex(publicKey)])
      expect(kemById(HPKE_KEM.DHKEM_P384).importPrivate(key.privateKey).publicKey).toEqual(publicKey)
    }
    const [record] = world.logged<AzureRelease>(AZURE_PAYLOAD_TYPES.release)
    expect(record!.document).toMatchObject({
      genesis: world.genesis,
      keyId,
      policy: world.kms.view.state.policy,
      tuple: 'guest-0',
      hardware: ['azure-maa'],
      issuedAt: FAKE_NOW,
    })
    expect(world.fetched).toEqual([`${maa.issuer}/certs`])
  },
)

test('POST /unwrapKey gives the same in its own words', async () => {
  const world = await AzureWorld.open(maa, amd, [own])
  const { keyId } = await newestKey(world)
  const token = tokenOf(maa, own)
  const { body } = await world.ask('/unwrapKey', {
    method: 'POST',
    token,
    body: JSON.stringify({ wrappedKid: `${keyId}` }),
  })
  expect(unwrap(own, body['wrapped'] as string).keyId).toBe(keyId)
  for (const wrong of [
    '{',
    '{}',
    '{"wrappedKid":1}',
    '{"wrappedKid":"01"}',
    '{"wrappedKid":"1","wrappingKey":"PEM"}',
  ])
    expect((await world.ask('/unwrapKey', { method: 'POST', token, body: wrong })).status).toBe(400)
})

test('no answer holds a private key in clear, whatever is left out or asked for', async () => {
  const world = await AzureWorld.open(maa, amd, [own])
  const { keyId } = await newestKey(world)
  const token = tokenOf(maa, own)
  const written = vi.spyOn(process.stdout, 'write')
  const answers: string[] = []
  for (const query of [
    '',
    '?encrypted=false',
    `?kid=${keyId}`,
    `?kid=${keyId}&encrypted=1`,
    '?encrypted=TRUE',
    '?encrypted=true&encrypted=false',
  ]) {
    const { status, text } = await world.ask(`/key${query}`, { method: 'POST', token })
    if (!query.startsWith('?encrypted=true')) expect([query, status]).toEqual([query, 400])
    answers.push(text)
  }
  for (const path of [
    '/listpubkeys',
    '/keyReleasePolicy',
    '/settingsPolicy',
    '/node/network',
    '/sotto/service',
  ])
    answers.push((await world.ask(path)).text)
  answers.push(...world.log.entries.map((entry) => fromUtf8(entry)), ...written.mock.calls.flat().map(String))
  written.mockRestore()
  const all = answers.join('\n')
  for (const { privateKey } of world.kms.view.state.keys.values())
    for (const spelling of [toHex(privateKey), toBase64(privateKey), toBase64Url(privateKey)])
      expect(all).not.toContain(spelling)
})

test('a token that is not authentic, or vouches for no key, gets nothing', async () => {
  const world = await AzureWorld.open(maa, amd, [own])
  const path = '/key?encrypted=true'
  const stranger = fakeMaa()
  const key = (value: unknown) => ({ claims: { 'x-ms-runtime': { keys: value } } })
  const tokens: [string | undefined, string][] = [
    [undefined, 'KMS_TOKEN_REFUSED'],
    ['abc', 'KMS_TOKEN_REFUSED'],
    [tokenOf(maa, own, { key: stranger.key }), 'KMS_TOKEN_REFUSED'],
    [tokenOf(stranger, own), 'KMS_TOKEN_REFUSED'],
    [tokenOf(maa, own, { header: { alg: 'none' } }), 'KMS_TOKEN_REFUSED'],
    [tokenOf(maa, own, { claims: { exp: FAKE_NOW - 1 } }), 'KMS_TOKEN_REFUSED'],
    [tokenOf(fakeMaa('https://other.eus.attest.azure.net'), own), 'KMS_NOT_ADMITTED'],
    [tokenOf(maa, own, { claims: { 'x-ms-runtime': undefined } }), 'KMS_TOKEN_REFUSED'],
    [tokenOf(maa, own, key([])), 'KMS_TOKEN_REFUSED'],
    [tokenOf(maa, own, key([own.jwk, guest().jwk])), 'KMS_TOKEN_REFUSED'],
    [tokenOf(maa, own, key([{ ...own.jwk, e: 'Aw' }])), 'KMS_TOKEN_REFUSED'],
    [tokenOf(maa, own, key([guest({}, 1024).jwk])), 'KMS_TOKEN_REFUSED'],
    [tokenOf(maa, own, key([null, 7, { ...own.jwk, n: '!' }])), 'KMS_TOKEN_REFUSED'],
  ]
  for (const [token, code] of tokens) expect(await world.refusalOf(path, token)).toBe(code)
  expect(world.logged(AZURE_PAYLOAD_TYPES.release)).toEqual([])
  // Nobody makes this KMS ask an issuer that its members did not name.
  expect(new Set(world.fetched)).toEqual(new Set([`${maa.issuer}/certs`]))
})

test(claim('chain.policy', 'a token is judged by whole tuples: the values of two never mix'), async () => {
  const other = guest({ measurement: 'cd'.repeat(48), hostData: 'e5'.repeat(32) })
  const world = await AzureWorld.open(maa, amd, [own, other])
  const path = '/key?encrypted=true'
  for (const one of [own, other]) expect(await world.refusalOf(path, tokenOf(maa, one))).toBe('none')
  const mixed = [
    { ...own, hostData: other.hostData },
    { ...own, measurement: other.measurement },
  ]
  for (const one of mixed) expect(await world.refusalOf(path, tokenOf(maa, one))).toBe('KMS_NOT_ADMITTED')
  const open = { 'x-ms-sevsnpvm-is-debuggable': true }
  expect(await world.refusalOf(path, tokenOf(maa, own, { claims: open }))).toBe('KMS_NOT_ADMITTED')
  world.now += 86_400
  const old = { exp: FAKE_NOW + 200_000 }
  await world.kms.tick()
  expect(await world.refusalOf(path, tokenOf(maa, own, { claims: old }))).toBe('none')
  world.now += 1
  expect(await world.refusalOf(path, tokenOf(maa, own, { claims: old }))).toBe('KMS_NOT_ADMITTED')
})

test('without a tuple for tokens there is no way in', async () => {
  const world = new AzureWorld(maa, amd)
  await world.start()
  expect((await world.ask('/key?encrypted=true', { method: 'POST', token: tokenOf(maa, own) })).status).toBe(
    503,
  )
})

test('one identifier is one key: in its grace it is released, then gone, and never another', async () => {
  const world = await AzureWorld.open(maa, amd, [own])
  const { keyId, publicKey } = await newestKey(world)
  const ask = async (kid: number | string) =>
    world.ask(`/key?kid=${kid}&encrypted=true`, {
      method: 'POST',
      token: tokenOf(maa, own, { claims: { iat: world.now, nbf: world.now, exp: world.now + 28_800 } }),
    })
  // Past its notAfter, within its grace.
  world.now += 86_400
  await world.kms.tick()
  expect((await newestKey(world)).keyId).not.toBe(keyId)
  const { body } = await ask(keyId)
  expect(unwrap(own, body['key'] as string).publicKey).toEqual(publicKey)
  world.now += 700
  await world.kms.tick()
  expect((await ask(keyId)).status).toBe(410)
  expect((await ask(200)).status).toBe(404)
  const xwing = [...world.kms.view.state.keys.values()].find(({ kem }) => kem === 'X-Wing')!
  expect((await ask(xwing.keyId)).status).toBe(404)
  for (const kid of ['256', '-1', '01', 'x', '1e1']) expect((await ask(kid)).status).toBe(400)
})

test('a member stops it like any release', async () => {
  const world = await AzureWorld.open(maa, amd, [own])
  expect(await world.refusalOf('/key?encrypted=true', tokenOf(maa, own))).toBe('none')
  await world.kms.hold(world.hold())
  expect(await world.refusalOf('/key?encrypted=true', tokenOf(maa, own))).toBe('KMS_HELD')
})

test('what the log does not have does not leave: neither a key nor a list', async () => {
  const world = await AzureWorld.open(maa, amd, [own])
  world.log.isDown = true
  const pending = await world.once('/listpubkeys')
  expect([pending.status, pending.headers.get('retry-after')]).toEqual([202, '3'])
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect((await world.once('/listpubkeys')).status).toBe(202)
  world.log.isDown = false
  await newestKey(world)
  world.log.isDown = true
  const { status, text } = await world.ask('/key?encrypted=true', {
    method: 'POST',
    token: tokenOf(maa, own),
  })
  expect([status, text.includes('"key"')]).toEqual([503, false])
})

test.each(['not-persisted', 'reported-failed'] as const)(
  'an append that is %s gives no key; asked again, it does, and is logged once',
  async (fault) => {
    const world = await AzureWorld.open(maa, amd, [own])
    const { keyId } = await newestKey(world)
    const token = tokenOf(maa, own)
    let appends = 0
    world.log.appendFault = () => (appends++ === 0 ? fault : undefined)
    const path = `/key?kid=${keyId}&encrypted=true`
    const first = await world.ask(path, { method: 'POST', token })
    expect([first.status, first.body['key']]).toEqual([503, undefined])
    const again = await world.ask(path, { method: 'POST', token })
    expect(unwrap(own, again.body['key'] as string).keyId).toBe(keyId)
    expect(world.logged(AZURE_PAYLOAD_TYPES.release)).toHaveLength(1)
  },
)

test('releases beyond those that are worked on and wait are told so, and the others are answered', async () => {
  const world = await AzureWorld.open(maa, amd, [own])
  const { keyId } = await newestKey(world)
  const token = tokenOf(maa, own)
  const asked = await Promise.all(
    Array.from({ length: 80 }, () =>
      world.ask(`/key?kid=${keyId}&encrypted=true`, { method: 'POST', token }),
    ),
  )
  const busy = asked.filter(
    ({ body }) => (body['error'] as { code?: string } | undefined)?.code === 'HTTP_BUSY',
  )
  expect(busy, 'eight at once and 64 in line').toHaveLength(80 - 72)
  for (const { status } of busy) expect(status).toBe(503)
  expect(asked.some(({ status }) => status === 200)).toBe(true)
})
