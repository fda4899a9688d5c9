import { expect, it } from 'vitest'
import { fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { parseDsse, prepareSigner, signDsse } from '@sotto/protocol/dsse'
import { encodeDocument, PAYLOAD_TYPES } from '@sotto/protocol/keyrelease'
import {
  NO_CONTEXT,
  type SpendAnswer,
  type SpendJoin,
  type SpendRequest,
  SPENDING_TYPES,
} from '@sotto/protocol/spending'
import { Enclave, payloadOf } from '../../packages/kms/test/world.ts'
import { claim } from '../claims.ts'
import { type Gateway, Party, token } from './party.ts'

const party = await Party.open()
const gateway = await party.gateway()
const { world } = party

const signerOf = ({ enclave }: Gateway): ReturnType<typeof prepareSigner> =>
  prepareSigner({ secretSeed: enclave.receiptKey.seed, publicKey: enclave.receiptKey.publicKey })
const signed = (type: string, document: object, by = signerOf(gateway)): object => ({
  envelope: fromUtf8(signDsse(type, encodeDocument(document), [by])),
})
const refusal = (path: string, body: unknown): Promise<string> => world.refusal(path, body)
const stranger = (): ReturnType<typeof prepareSigner> => {
  const { seed, publicKey } = crypto.ed25519.generate()
  return prepareSigner({ secretSeed: seed, publicKey })
}

let counter = 100
function request(change: Partial<SpendRequest> = {}): SpendRequest {
  const { nonce, keyId, expiresAt } = token(world)
  return {
    version: 1,
    genesis: world.genesis,
    session: world.kms.spending.session,
    context: gateway.context,
    gateway: toBase64Url(gateway.enclave.receiptKey.publicKey),
    counter: ++counter,
    entries: [{ nonce: toBase64Url(nonce), keyId: toBase64Url(keyId), expiresAt }],
    ...change,
  }
}
function join(change: Partial<SpendJoin> = {}): SpendJoin {
  const { entries: _, counter: __, ...same } = request()
  return { ...same, receipt: gateway.receipt!, context: NO_CONTEXT, sequence: 0, leaves: false, ...change }
}

it('takes the honest request these tests change', async () => {
  expect((await world.call('/v1/spend', signed(SPENDING_TYPES.request, request()))).status).toBe(200)
  expect((await world.call('/v1/spend/join', signed(SPENDING_TYPES.join, join()))).status).toBe(200)
})

it.each<[string, string, () => object]>([
  ['another signer', 'KMS_SPENDER_UNKNOWN', () => signed(SPENDING_TYPES.request, request(), stranger())],
  ['a type of its own', 'KMS_SPENDER_UNKNOWN', () => signed(SPENDING_TYPES.answer, request())],
  [
    'a gateway that never joined',
    'KMS_SPENDER_UNKNOWN',
    () => {
      const by = stranger()
      return signed(SPENDING_TYPES.request, request({ gateway: toBase64Url(by.publicKey) }), by)
    },
  ],
  [
    'another genesis',
    'KMS_WRONG_GENESIS',
    () => signed(SPENDING_TYPES.request, request({ genesis: NO_CONTEXT })),
  ],
  [
    'another session',
    'KMS_SPEND_SESSION',
    () => signed(SPENDING_TYPES.request, request({ session: NO_CONTEXT })),
  ],
  [
    'another context',
    'KMS_SPEND_SESSION',
    () => signed(SPENDING_TYPES.request, request({ context: NO_CONTEXT })),
  ],
  ['an old number', 'KMS_SPEND_COUNTER', () => signed(SPENDING_TYPES.request, request({ counter: 1 }))],
  ['no entries', 'JCS_FIELD', () => signed(SPENDING_TYPES.request, { ...request(), entries: [] })],
  ['no envelope', 'DSSE_MALFORMED', () => ({ envelope: '{}' })],
  ['no message', 'JCS_FIELD', () => ({})],
])('refuses to spend with %s: %s', async (_, code, body) => {
  expect(await refusal('/v1/spend', body())).toBe(code)
})

it('refuses the same number for something else, and gives the same bytes the same answer', async () => {
  const first = request()
  const body = signed(SPENDING_TYPES.request, first)
  const { text } = await world.call('/v1/spend', body)
  expect((await world.call('/v1/spend', body)).text).toBe(text)
  const other = { ...first, entries: request().entries }
  expect(await refusal('/v1/spend', signed(SPENDING_TYPES.request, other))).toBe('KMS_SPEND_COUNTER')
})

it.each<[string, string, () => object | Promise<object>]>([
  ['another signer', 'KMS_SPENDER_UNKNOWN', () => signed(SPENDING_TYPES.join, join(), stranger())],
  [
    'the session before',
    'KMS_SPEND_SESSION',
    () => signed(SPENDING_TYPES.join, join({ session: NO_CONTEXT })),
  ],
  [
    'the receipt of another enclave',
    'KMS_SPENDER_UNKNOWN',
    async () => {
      const other = new Enclave(world.workload)
      const { receipt } = await world.kms.release(await other.request(world))
      return signed(SPENDING_TYPES.join, join({ receipt }))
    },
  ],
  [
    'a receipt it signed itself',
    'KMS_SPENDER_UNKNOWN',
    () => {
      const { payload } = parseDsse(utf8(gateway.receipt!.envelope))
      const envelope = fromUtf8(signDsse(PAYLOAD_TYPES.releaseReceipt, payload, [signerOf(gateway)]))
      return signed(SPENDING_TYPES.join, join({ receipt: { ...gateway.receipt!, envelope } }))
    },
  ],
  [
    'a receipt that is elsewhere in the log',
    'KMS_SPENDER_UNKNOWN',
    () => signed(SPENDING_TYPES.join, join({ receipt: { ...gateway.receipt!, index: 0 } })),
  ],
  [
    'a statement of this KMS that is no receipt',
    'KMS_SPENDER_UNKNOWN',
    () => signed(SPENDING_TYPES.join, join({ receipt: world.kms.view.boot.certificate })),
  ],
])('refuses to join with %s: %s', async (_, code, body) => {
  expect(await refusal('/v1/spend/join', await body())).toBe(code)
})

/** What a wire, or a KMS that is none, may make of an answer. */
const FORGERIES: Record<string, (answer: SpendAnswer, envelope: string) => string> = {
  'another signer': (answer) =>
    fromUtf8(signDsse(SPENDING_TYPES.answer, encodeDocument(answer), [stranger()])),
  'another request': (answer) => resigned({ ...answer, request: NO_CONTEXT }),
  'another session': (answer) => resigned({ ...answer, session: NO_CONTEXT }),
  'another context': (answer) => resigned({ ...answer, context: NO_CONTEXT }),
  'another genesis': (answer) => resigned({ ...answer, genesis: NO_CONTEXT }),
  'a longer mask': (answer) => resigned({ ...answer, spent: 'AQA' }),
  'a bit for nobody': (answer) => resigned({ ...answer, spent: 'Aw' }),
  'another type': (answer) => world.kms.view.boot.statementKey.sign(SPENDING_TYPES.roster, answer),
  'a flipped bit': (_, envelope) =>
    envelope.replace(/"sig":"(.)/, (_all, c) => `"sig":"${c === 'A' ? 'B' : 'A'}`),
}
function resigned(answer: SpendAnswer): string {
  return world.kms.view.boot.statementKey.sign(SPENDING_TYPES.answer, answer)
}

it.each(Object.keys(FORGERIES))('lets nobody in by an answer with %s', async (name) => {
  gateway.carry = async (path, send) => {
    const response = await send()
    if (path !== '/v1/spend' || !response.ok) return response
    const { envelope } = (await response.json()) as { envelope: string }
    return Response.json({ envelope: FORGERIES[name]!(payloadOf<SpendAnswer>(envelope), envelope) })
  }
  await expect(gateway.spend(token(world))).rejects.toMatchObject({ code: 'GATEWAY_SPENT_UNAVAILABLE' })
  gateway.carry = (_, send) => send()
})

it(claim('T12', 'an earlier answer, played again, lets nobody in twice'), async () => {
  const other = await party.gateway()
  const one = token(world)
  let recorded: string | undefined
  other.carry = async (path, send) => {
    const response = await send()
    if (path === '/v1/spend') recorded ??= await response.clone().text()
    return response
  }
  expect(await other.spend(one)).toEqual([true])
  other.carry = async (path, send) => (path === '/v1/spend' ? new Response(recorded) : send())
  await expect(other.spend(one)).rejects.toMatchObject({ code: 'GATEWAY_SPENT_UNAVAILABLE' })
  other.carry = (_, send) => send()
  expect(await other.spend(one)).toEqual([false])
})

it('follows a new statement key of the KMS, once that was verified', async () => {
  const other = await party.gateway()
  const before = world.kms.view.boot.statementKey.publicKey
  world.now += 4 * 86_400
  await world.kms.tick()
  expect(world.kms.view.boot.statementKey.publicKey).not.toBe(before)
  await other.attest()
  await other.set.tick()
  expect(await other.spend(token(world, { expiresAt: world.now + 9 }))).toEqual([true])
})
