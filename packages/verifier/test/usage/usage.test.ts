import * as fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { type DsseSigner, signDsse } from '@sotto/protocol/dsse'
import { encodeDocument } from '@sotto/protocol/keyrelease'
import {
  encodeSavedUsage,
  parseSavedUsage,
  type SavedUsage,
  USAGE_PAYLOAD_TYPE,
  type UsageStatement,
} from '@sotto/protocol/usage'
import { createReceipt, createWorld, type MintedReceipt, type World } from '@sotto/testkit'
import { verifyUsage } from '@sotto/verifier'

let world: World
let minted: MintedReceipt
let statement: UsageStatement
beforeAll(async () => {
  world = await createWorld()
  minted = await createReceipt(world)
  statement = {
    version: 1,
    genesis: world.genesisDigest,
    evidence: minted.release.evidence,
    sequence: 1,
    startedAt: 1,
    issuedAt: 2,
    models: [{ model: 'ab'.repeat(32), requests: 20, audioSeconds: 0, inputTokens: 1, outputTokens: 2 }],
  }
})

function save(change: Partial<UsageStatement> = {}, signer: DsseSigner = minted.signer): SavedUsage {
  const envelope = signDsse(USAGE_PAYLOAD_TYPE, encodeDocument({ ...statement, ...change }), [signer])
  return { version: 1, envelope: fromUtf8(envelope), certificate: minted.saved.certificate }
}
const failed = (saved: SavedUsage): string[] =>
  verifyUsage(parseSavedUsage(encodeSavedUsage(saved)), world.policy)
    .steps.filter(({ status }) => status === 'fail')
    .map(({ name, reason }) => `${name}: ${reason}`)

test('counts an admitted enclave signed hold', () => {
  expect(verifyUsage(save(), world.policy)).toMatchObject({ ok: true, statement })
})

test('counts of another KMS, another release or another signer are refused', async () => {
  expect(failed(save({ genesis: '00'.repeat(32) }))).toEqual(['usage.signature: counts of another genesis'])
  expect(failed(save({ evidence: '00'.repeat(32) }))).toEqual(['usage.signature: counts of another release'])
  const other = await createReceipt(world)
  expect(failed(save({}, other.signer))).toHaveLength(1)
  const stranger = await createWorld()
  expect(verifyUsage(save(), stranger.policy)).toMatchObject({ ok: false })
})

test('a receipt is no statement of usage, and its bytes flipped anywhere are refused', () => {
  expect(failed({ ...save(), envelope: minted.saved.envelope })).toHaveLength(1)
  const bytes = encodeSavedUsage(save())
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const changed = bytes.slice()
      changed[at]! ^= flip
      let saved: SavedUsage
      try {
        saved = parseSavedUsage(changed)
      } catch {
        return
      }
      expect(verifyUsage(saved, world.policy).ok).toBe(false)
    }),
    { numRuns: 60 },
  )
})

test.each([
  ['a count below zero', { models: [{ requests: -1 }] }],
  ['a model twice as long', { models: [{ model: 'ab'.repeat(64) }] }],
  ['an unknown member', { models: [{ prompt: 'secret' }] }],
  ['sequence zero', { sequence: 0 }],
])('refuses %s', (_, { models, ...change }: { models?: object[]; sequence?: number }) => {
  const lists = models?.map((model) => ({ ...statement.models[0]!, ...model }))
  expect(failed(save({ ...change, ...(lists && { models: lists as never }) }))).toHaveLength(1)
})

test.each(['', '{}', '{"version":1}', 'null', '[]', '{"version":2,"envelope":"","certificate":{}}'])(
  'refuses the file %j',
  (text) => {
    expect(() => parseSavedUsage(utf8(text))).toThrowError(
      expect.objectContaining({ code: expect.stringMatching(/^JCS_/) as string }) as Error,
    )
  },
)
