import { beforeAll, describe, expect, it } from 'vitest'
import { concat, toHex, utf8 } from '@sotto/protocol/bytes'
import {
  encodeToken,
  encodeTokenInput,
  parseBatchRequest,
  parseBatchResponse,
  prepareToken,
  TOKEN_MEDIA_TYPE,
} from '@sotto/protocol/tokens'
import { claim } from '../claims.ts'
import { ask, openTown, type Town } from './town.ts'

const CLIENTS = 5
const REQUESTS = 6
let town: Town

/** Many clients buy and spend, all at once. */
beforeAll(async () => {
  town = await openTown()
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => town.newClient()))
  await Promise.all(
    clients.map(async (sotto) => {
      for (let i = 0; i < REQUESTS; i++) expect((await ask(sotto)).status).toBe(200)
    }),
  )
})

const purchases = () =>
  town.issuances.filter(({ headers }) => headers['content-type'] === TOKEN_MEDIA_TYPE.batchRequest)

/** All windows of eight bytes: chance alone makes two alike once in 10^13 here. */
function windows(bytes: Uint8Array): Set<string> {
  const hex = toHex(bytes)
  return new Set(
    Array.from({ length: Math.max(0, bytes.length - 7) }, (_, i) => hex.slice(2 * i, 2 * i + 16)),
  )
}

describe(
  claim(['see.issuer', 'T18'], 'everything the issuer saw, against everything the gateway saw'),
  () => {
    it('there is something to compare', () => {
      expect(town.tokens).toHaveLength(CLIENTS * REQUESTS)
      expect(new Set(town.issuances.map(({ account }) => account)).size).toBe(CLIENTS)
      const bought = purchases().flatMap(({ request }) => parseBatchRequest(request))
      expect(bought.length).toBeGreaterThanOrEqual(town.tokens.length)
    })

    it('has no eight bytes in common but those of public keys', () => {
      const seenByIssuer = new Set(
        purchases().flatMap(({ request, response, headers }) => [
          ...windows(request),
          ...windows(response),
          ...windows(utf8(JSON.stringify(headers))),
        ]),
      )
      // The token as the gateway has it, and what it is made from.
      for (const token of town.tokens)
        for (const window of windows(concat(encodeToken(token), encodeTokenInput(token))))
          expect(seenByIssuer.has(window)).toBe(false)
      const inside = town.service.innerCalls.filter(({ headers }) => headers['authorization'] !== undefined)
      const seenByGateway = inside
        .map(({ headers, body }) => toHex(utf8(JSON.stringify(headers))) + toHex(body))
        .join()
      for (const { request, response, account } of purchases()) {
        for (const { blindedMessage } of parseBatchRequest(request)) {
          expect(seenByGateway).not.toContain(toHex(blindedMessage).slice(0, 32))
          expect(seenByGateway).not.toContain(
            toHex(utf8(Buffer.from(blindedMessage).toString('base64url'))).slice(0, 64),
          )
        }
        expect(seenByGateway).not.toContain(toHex(response).slice(10, 42))
        expect(seenByGateway).not.toContain(toHex(utf8(account)))
      }
    })

    it('one key for all, and lengths that are the same for every client', () => {
      expect(
        new Set(town.tokens.map(({ keyId, challengeDigest }) => toHex(keyId) + toHex(challengeDigest))).size,
      ).toBe(1)
      const inside = town.service.innerCalls.filter(({ headers }) => headers['authorization'] !== undefined)
      expect(new Set(inside.map(({ headers }) => headers['authorization']!.length)).size).toBe(1)
      expect(new Set(inside.map(({ headers }) => Object.keys(headers).sort().join())).size).toBe(1)
      for (const size of new Set(purchases().map(({ request }) => request.length))) {
        const alike = purchases().filter(({ request }) => request.length === size)
        const shapes = alike.map(
          ({ headers: { authorization, ...rest } }) => JSON.stringify(rest) + authorization!.length,
        )
        expect(new Set(shapes).size).toBe(1)
      }
    })

    it('every purchase could have become every token: for each pair there is the one blinding factor that explains it', () => {
      const n = number(town.issuer.keyOf().modulus)
      const issued = purchases().flatMap(({ request, response }) => {
        const requests = parseBatchRequest(request)
        const signatures = parseBatchResponse(response, requests.length)
        return requests.map(({ blindedMessage }, i) => ({
          blinded: number(blindedMessage),
          signature: number(signatures[i]!),
        }))
      })
      const factors = new Set<bigint>()
      for (const { authenticator } of town.tokens) {
        const signature = number(authenticator)
        const inverse = invert(signature, n)
        const encoded = power65537(signature, n)
        for (const one of issued) {
          const r = (one.signature * inverse) % n
          expect(r > 0n && (encoded * power65537(r, n)) % n === one.blinded).toBe(true)
          factors.add(r)
        }
      }
      // All different: no pair stands out.
      expect(factors.size).toBe(issued.length * town.tokens.length)
    })

    it('blinding the same message again and again gives numbers spread over all of [0, n)', () => {
      const key = town.issuer.keyOf()
      const n = number(key.modulus)
      const nonce = new Uint8Array(32)
      const salt = new Uint8Array(48)
      const places = Array.from({ length: 300 }, () => {
        const { blindedMessage } = prepareToken(key, utf8('challenge'), { nonce, salt })
        return Number((number(blindedMessage) * 10_000n) / n) / 10_000
      })
      const mean = places.reduce((sum, place) => sum + place, 0) / places.length
      // Six standard deviations of the mean of 300 uniform numbers.
      expect(Math.abs(mean - 0.5)).toBeLessThan(6 * (0.2887 / Math.sqrt(300)))
      for (let tenth = 0; tenth < 10; tenth++)
        expect(places.filter((place) => Math.floor(place * 10) === tenth).length).toBeGreaterThan(5)
    })
  },
)

function number(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes)}`)
}

function power65537(base: bigint, modulus: bigint): bigint {
  let result = base
  for (let i = 0; i < 16; i++) result = (result * result) % modulus
  return (result * base) % modulus
}

function invert(value: bigint, modulus: bigint): bigint {
  let [r0, r1, t0, t1] = [modulus, value, 0n, 1n]
  while (r1 > 0n) {
    const quotient = r0 / r1
    ;[r0, r1, t0, t1] = [r1, r0 - quotient * r1, t1, t0 - quotient * t1]
  }
  return ((t0 % modulus) + modulus) % modulus
}
