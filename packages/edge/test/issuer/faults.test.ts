import { constants, createPrivateKey, privateEncrypt } from 'node:crypto'
import { expect, it } from 'vitest'
import { crypto } from '@sotto/protocol/crypto-backend'
import { encodeTokenRequest, parseBatchResponse } from '@sotto/protocol/tokens'
import { edgeError } from '../../src/errors.ts'
import { createIssuerApp } from '../../src/issuer/app.ts'
import { generateTokenKey, openSigningKey, requireSound } from '../../src/issuer/blind-sign.ts'
import { openAccount, openTestIssuer, order, outcome, post } from './parties.ts'

it('persisted but reported failed: the charge stands, the same request fetches its tokens, nothing is charged twice', async () => {
  const issuer = await openTestIssuer()
  await issuer.keys.tick()
  const { id, secret } = openAccount(issuer, 3)
  const { body, pending } = order(issuer.keyOf(), 3)
  const app = createIssuerApp({
    ...issuer,
    charges: {
      charge(charge) {
        issuer.charges.charge(charge)
        throw edgeError('ISSUER_STORE_FAILED', 'the store did not answer')
      },
    },
  })
  expect(await outcome(app(post(secret, body)))).toEqual([503, 'ISSUER_STORE_FAILED'])
  const next = issuer.restart()
  const response = await next.app(post(secret, body))
  const signatures = parseBatchResponse(await response.bytes(), 3)
  pending.forEach((one, index) => one.finish(signatures[index]!))
  expect(next.charges.usage(id)).toMatchObject([{ tokens: 3 }])
})

it('not persisted: nothing is signed, and the quota is whole', async () => {
  const issuer = await openTestIssuer()
  await issuer.keys.tick()
  const { id, secret } = openAccount(issuer, 3)
  const { body } = order(issuer.keyOf(), 3)
  let signed = 0
  const app = createIssuerApp({
    ...issuer,
    keys: {
      directory: undefined,
      find(truncatedId) {
        const found = issuer.keys.find(truncatedId)
        return { ...found, sign: (message) => (signed++, found.sign(message)) }
      },
    },
    charges: {
      charge() {
        throw edgeError('ISSUER_STORE_FAILED', 'the store did not answer')
      },
    },
  })
  expect(await outcome(app(post(secret, body)))).toEqual([503, 'ISSUER_STORE_FAILED'])
  expect(signed).toBe(0)
  expect(issuer.charges.usage(id)).toEqual([])
})

it('with a full disk nothing is charged and nothing signed; with space again it goes on', async () => {
  const issuer = await openTestIssuer({ maxPages: 40 })
  await issuer.keys.tick()
  const { id, secret } = openAccount(issuer, 1_000_000)
  const key = issuer.keyOf()
  let answered = 0
  let refused: [number, string | undefined] = [200, undefined]
  const bodies: Uint8Array[] = []
  // One blinding is enough: what counts is that the requests differ.
  const [request] = order(key, 1).requests
  for (let i = 0; i < 200 && refused[0] === 200; i++) {
    const requests = Array.from({ length: 64 }, () => {
      const blindedMessage = request!.blindedMessage.slice()
      blindedMessage.set(crypto.randomBytes(64), 100)
      return encodeTokenRequest({ truncatedKeyId: key.id.at(-1)!, blindedMessage })
    })
    const body = new Uint8Array([0x80, 0, 0x40, 0xc0, ...requests.flatMap((one) => [...one])])
    bodies.push(body)
    refused = await outcome(issuer.app(post(secret, body)))
    if (refused[0] === 200) answered += 64
  }
  expect(refused).toEqual([507, 'ISSUER_STORE_FULL'])
  expect(issuer.charges.usage(id)).toMatchObject([{ tokens: answered }])
  issuer.database.db.exec('PRAGMA max_page_count = 100000')
  expect(await outcome(issuer.app(post(secret, bodies.at(-1)!)))).toEqual([200, undefined])
  expect(issuer.charges.usage(id)).toMatchObject([{ tokens: answered + 64 }])
})

it('withholds a signature that came out wrong: it would give the factors away', async () => {
  const { pkcs8 } = await generateTokenKey()
  const { key, sign } = openSigningKey(pkcs8)
  const privateKey = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' })
  const message = crypto.randomBytes(256)
  message[0]! &= 0x7f
  const raw = { key: privateKey, padding: constants.RSA_NO_PADDING }
  const right = new Uint8Array(privateEncrypt(raw, message))
  expect(requireSound(right, message, privateKey)).toEqual(right)
  expect(sign(message)).toEqual(right)
  const wrong = right.slice()
  wrong[200]! ^= 1
  if (wrong[0]! >= key.modulus[0]!) wrong[0] = 1
  expect(() => requireSound(wrong, message, privateKey)).toThrow(
    expect.objectContaining({ code: 'ISSUER_FAULT', action: 'stop' }),
  )
})
