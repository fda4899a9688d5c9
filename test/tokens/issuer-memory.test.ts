import { expect, it } from 'vitest'
import { toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { parseDirectory, signIssuerKeys, verifyIssuerKeys } from '@sotto/protocol/tokens'
import type { SottoStorage } from '@sotto/client'
import { openAccount } from '../../packages/edge/test/issuer/parties.ts'
import { claim } from '../claims.ts'
import { ask, openTown } from './town.ts'

function storageOf(values = new Map<string, string>()) {
  const state = { failsFor: '', isWritten: true }
  const storage: SottoStorage = {
    get: async (key) => values.get(key),
    async set(key, value) {
      const fails = state.failsFor !== '' && key.startsWith(state.failsFor)
      if (!fails || state.isWritten) values.set(key, value)
      if (fails) throw new Error('the disk is full')
    },
  }
  return { values, state, storage }
}

async function directories() {
  const town = await openTown()
  const older = town.issuer.keys.directory!
  // A successor is due in the last quarter of a key's life.
  town.issuer.clock.now += 11 * 86_400
  await town.issuer.keys.tick()
  town.issuer.clock.now -= 11 * 86_400
  const serve = (bytes: Uint8Array): void => {
    town.bend.issuer = (path) =>
      path.endsWith('directory')
        ? new Response(bytes as Uint8Array<ArrayBuffer>, {
            headers: { 'content-type': 'application/private-token-issuer-directory' },
          })
        : undefined
  }
  return { town, older, newer: town.issuer.keys.directory!, serve }
}

it(claim('T18', 'a client that starts again is not shown the keys of before'), async () => {
  const { town, older, newer, serve } = await directories()
  expect(parseDirectory(newer).envelope).not.toBe(parseDirectory(older).envelope)
  const { storage } = storageOf()
  serve(newer)
  expect((await ask(await town.newClient({ storage }))).status).toBe(200)
  serve(older)
  await expect(ask(await town.newClient({ storage }))).rejects.toMatchObject({
    code: 'ISSUER_INVALID',
    found: 'TOKEN_MALFORMED',
  })
  // Who has no past takes them: they are signed and logged.
  expect((await ask(await town.newClient({ storage: storageOf().storage }))).status).toBe(200)
  serve(newer)
  expect((await ask(await town.newClient({ storage }))).status).toBe(200)
})

it('uses no keys that it could not remember, written or not', async () => {
  for (const isWritten of [false, true]) {
    const { town } = await directories()
    const { storage, state } = storageOf()
    Object.assign(state, { failsFor: 'issuer statement', isWritten })
    await expect(ask(await town.newClient({ storage }))).rejects.toThrow('the disk is full')
    expect(town.issuer.charges.usage()).toEqual([])
    state.failsFor = ''
    expect((await ask(await town.newClient({ storage }))).status).toBe(200)
  }
})

it('a new run looks for the statement in the log again: another policy may hold now', async () => {
  const { town, newer, serve } = await directories()
  const { storage } = storageOf()
  serve(newer)
  await ask(await town.newClient({ storage }))
  const logged = parseDirectory(newer)
  const checkpoint = await town.service.world.log.checkpoint({ time: town.service.now(), witnesses: 0 })
  serve(utf8(JSON.stringify({ 'sotto-issuer-keys': { ...logged, checkpoint } })))
  await expect(ask(await town.newClient({ storage }))).rejects.toMatchObject({ code: 'ISSUER_INVALID' })
})

it(claim('T18', 'no token is bought with a key that lives so short that few can have met it'), async () => {
  const { town, serve } = await directories()
  const { seed: secretSeed, publicKey } = crypto.ed25519.generate()
  const { log } = town.service.world
  const { statement } = verifyIssuerKeys(
    parseDirectory(town.issuer.keys.directory!).envelope,
    town.issuer.publicKey,
  )
  const now = town.service.now()
  const withLife = async (seconds: number): Promise<Uint8Array> => {
    const keys = statement.classes[0]!.keys.slice(0, 1)
    const classes = [
      {
        name: 'standard',
        keys: keys.map((key) => ({ ...key, notBefore: now - 60, notAfter: now - 60 + seconds })),
      },
    ]
    const envelope = signIssuerKeys({ ...statement, classes }, { secretSeed, publicKey })
    log.append(utf8(envelope))
    const proven = { ...(await log.prove(utf8(envelope))), checkpoint: await log.checkpoint({ time: now }) }
    return utf8(JSON.stringify({ 'sotto-issuer-keys': proven }))
  }
  const { secret } = openAccount(town.issuer)
  const reach: typeof fetch = async (input, init) => {
    const request = new Request(input, init)
    return town.bend.issuer!(new URL(request.url).pathname) ?? town.issuer.app(request)
  }
  const buyer = async (): Promise<unknown> => {
    const issuer = { url: 'https://issuer.example', key: toBase64Url(publicKey) }
    return ask(await town.newClient({ tokens: { issuer, apiKey: secret, fetch: reach } }))
  }
  serve(await withLife(899))
  await expect(buyer()).rejects.toMatchObject({ code: 'ISSUER_INVALID', expected: 'at least 900 seconds' })
  expect(town.issuer.charges.usage()).toEqual([])
  serve(await withLife(900))
  expect(await buyer()).toMatchObject({ status: 200 })
})
