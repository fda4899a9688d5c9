import * as fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { concat, fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { signDsse } from '@sotto/protocol/dsse'
import { canonicalJson } from '@sotto/protocol/jcs'
import { encodeDocument, PAYLOAD_TYPES } from '@sotto/protocol/keyrelease'
import { parseSavedReceipt } from '@sotto/protocol/receipts'
import { createReceipt, createWorld, fakeSigner, type MintedReceipt, type World } from '@sotto/testkit'
import {
  createReceiptVerifier,
  verifyReceipt,
  type ReceiptResult,
  type ReceiptSubject,
} from '@sotto/verifier'
import { claim } from '../../../../test/claims.ts'
import { failed, subjectOf, verify } from './receipt-steps.ts'

const statuses = ({ steps }: ReceiptResult): string[] => steps.map(({ name, status }) => `${name} ${status}`)

describe('an honest receipt', () => {
  let world: World
  let minted: MintedReceipt
  beforeAll(async () => {
    world = await createWorld()
    minted = await createReceipt(world)
  })

  it(
    claim(['chain.inference-receipt', 'T16'], 'holds offline, from the pinned genesis to request and answer'),
    () => {
      const result = verify(world, minted.saved, subjectOf(minted))
      expect(statuses(result)).toEqual([
        'receipt.checkpoint pass',
        'receipt.genesis pass',
        'receipt.kms-certificate pass',
        'receipt.release pass',
        'receipt.signature pass',
        'receipt.request pass',
        'receipt.response pass',
        'receipt.trust skipped',
      ])
      expect(result).toMatchObject({ ok: true, receipt: minted.receipt, release: minted.release })
    },
  )

  it('says what it was not compared with: a skip is not a pass', () => {
    const { ok, steps } = verify(world, minted.saved)
    expect(ok).toBe(true)
    expect(steps.slice(-3)).toMatchObject([
      { name: 'receipt.request', status: 'skipped', reason: expect.any(String) },
      { name: 'receipt.response', status: 'skipped', reason: expect.any(String) },
      { name: 'receipt.trust', status: 'skipped', reason: expect.any(String) },
    ])
  })

  it('holds however the bodies are cut into parts', () => {
    fc.assert(
      fc.property(fc.nat(minted.request.body.length), fc.nat(minted.response.body.length), (a, b) => {
        const subject = subjectOf(minted)
        subject.request!.body = [minted.request.body.slice(0, a), minted.request.body.slice(a)]
        subject.response!.body = [minted.response.body.slice(0, b), minted.response.body.slice(b)]
        expect(verify(world, minted.saved, subject).ok).toBe(true)
      }),
      { numRuns: process.env['SLOW'] ? 500 : 25 },
    )
  })

  it('is refused after any flipped byte', () => {
    const bytes = canonicalJson(minted.saved)
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 127 }), (at, mask) => {
        const flipped = bytes.map((byte, i) => (i === at ? byte ^ mask : byte))
        let result: ReceiptResult
        try {
          result = verifyReceipt(parseSavedReceipt(flipped), world.policy, subjectOf(minted))
        } catch (error) {
          expect(error).toHaveProperty('code')
          return
        }
        expect(result.ok).toBe(false)
      }),
      { numRuns: process.env['SLOW'] ? 500 : 60 },
    )
  })

  it.each<[string, (subject: Required<ReceiptSubject>) => void, string]>([
    ['another question', ({ request }) => (request.body = [utf8('{"messages":[1]}')]), 'receipt.request'],
    ['another path', ({ request }) => (request.path += '?n=2'), 'receipt.request'],
    ['another method', ({ request }) => (request.method = 'PUT'), 'receipt.request'],
    ['another type of request', ({ request }) => (request.contentType = ''), 'receipt.request'],
    ['another answer', ({ response }) => (response.body = [utf8('{"choices":[1]}')]), 'receipt.response'],
    ['another status', ({ response }) => (response.status = 201), 'receipt.response'],
    ['another type of answer', ({ response }) => (response.contentType = 'text/plain'), 'receipt.response'],
  ])('is refused for %s', (_what, change, step) => {
    const subject = subjectOf(minted) as Required<ReceiptSubject>
    change(subject)
    const result = verify(world, minted.saved, subject)
    expect(failed(result)).toEqual([step])
    expect(result.ok).toBe(false)
  })

  it(claim('T16', 'is never about a part of the answer: a cut answer has no receipt that holds'), () => {
    const { body } = minted.response
    for (const cut of [new Uint8Array(), body.slice(0, -1), concat(body, utf8(' '))]) {
      const subject = subjectOf(minted)
      subject.response!.body = [cut]
      expect(failed(verify(world, minted.saved, subject))).toEqual(['receipt.response'])
    }
  })

  it(
    claim('T16', 'salts its digests: the same words never have the same digest, and no salt fits another'),
    async () => {
      const again = await createReceipt(world)
      expect(again.receipt.request).not.toBe(minted.receipt.request)
      expect(again.receipt.response).not.toBe(minted.receipt.response)
      const swapped = { ...minted.saved, salt: again.saved.salt }
      expect(failed(verify(world, swapped, subjectOf(minted)))).toEqual([
        'receipt.request',
        'receipt.response',
      ])
    },
  )
})

describe('many receipts of one release', () => {
  it('gives each the same verdict as when it is verified alone, and refuses the forged one among them', async () => {
    const world = await createWorld()
    const minted = await createReceipt(world)
    const verifyOne = createReceiptVerifier(world.policy)
    expect(verifyOne(minted.saved)).toEqual(verifyReceipt(minted.saved, world.policy))
    const forged = fromUtf8(
      signDsse(PAYLOAD_TYPES.inferenceReceipt, encodeDocument(minted.receipt), [fakeSigner()]),
    )
    expect(failed(verifyOne({ ...minted.saved, envelope: forged }))).toEqual(['receipt.signature'])
    expect(verifyOne(minted.saved, subjectOf(minted)).ok).toBe(true)
  })

  it('refuses every one of them when the chain behind them does not hold', async () => {
    const world = await createWorld()
    const { saved } = await createReceipt(world)
    const verifyOne = createReceiptVerifier({ ...world.policy, genesis: '0'.repeat(64) })
    for (let round = 0; round < 2; round++) {
      const result = verifyOne(saved)
      expect(result.ok).toBe(false)
      expect(failed(result)).toEqual(['receipt.genesis'])
    }
  })
})
