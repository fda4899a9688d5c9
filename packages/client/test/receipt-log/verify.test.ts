import * as fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { signDsse } from '@sotto/protocol/dsse'
import { encodeDocument } from '@sotto/protocol/keyrelease'
import { parseSavedReceipt, type SavedReceipt } from '@sotto/protocol/receipts'
import { canonicalJson } from '@sotto/protocol/jcs'
import { createReceipt, createWorld, fakeSigner, type MintedReceipt, type World } from '@sotto/testkit'
import { claim } from '../../../../test/claims.ts'
import { encodeEntryProof, type EntryProof, parseEntryProof } from '../../src/monitor/index.ts'
import { verifyLogged } from '../../src/receipt-log/index.ts'
import { batchOf, logBatch, proofOf } from './support.ts'

const RUNS = process.env['SLOW'] ? 2000 : 60

let world: World
let minted: MintedReceipt
let proof: EntryProof
beforeAll(async () => {
  world = await createWorld()
  minted = await createReceipt(world)
  proof = await proofOf(world, logBatch(world, batchOf(world, [minted.saved]), minted.signer))
})

const failed = (saved: SavedReceipt, of: EntryProof): string[] =>
  verifyLogged(saved, of, world.policy)
    .steps.filter(({ status }) => status === 'fail')
    .map(({ name }) => name)

test(
  claim('receipt.logged', 'a logged receipt is proven offline, and was there before the witnesses’ time'),
  () => {
    const read = parseEntryProof(encodeEntryProof(proof))
    const result = verifyLogged(parseSavedReceipt(canonicalJson(minted.saved)), read, world.policy)
    expect(result.steps.filter(({ required, status }) => required && status !== 'pass')).toEqual([])
    expect(result).toMatchObject({ ok: true, index: proof.index, loggedBefore: world.now })
  },
)

describe('a proof is refused', () => {
  test('for a receipt that the batch does not hold', async () => {
    const batch = batchOf(world, [{ ...minted.saved, envelope: `${minted.saved.envelope} ` }])
    const other = await proofOf(world, logBatch(world, batch, minted.signer))
    expect(failed(minted.saved, other)).toEqual(['receipt.logged'])
    const { steps } = verifyLogged(minted.saved, other, world.policy)
    expect(steps.at(-1)!.reason).toMatch(/^NOT LOGGED/)
  })

  test('for another salt of the same receipt', async () => {
    const { salt } = (await createReceipt(world)).saved
    expect(failed({ ...minted.saved, salt }, proof)).toEqual(['receipt.logged'])
  })

  test('with a batch that another enclave signed, or nobody', async () => {
    const other = await createReceipt(world)
    for (const signer of [other.signer, fakeSigner()]) {
      const forged = await proofOf(world, logBatch(world, batchOf(world, [minted.saved]), signer))
      expect(failed(minted.saved, forged)).toEqual(['receipt.batch-signed'])
    }
  })

  test('with another document that the enclave signed', async () => {
    const entry = signDsse(
      'application/vnd.sotto.usage+json',
      encodeDocument(batchOf(world, [minted.saved])),
      [minted.signer],
    )
    world.log.append(entry)
    expect(failed(minted.saved, await proofOf(world, entry))).toEqual(['receipt.batch-signed'])
  })

  test('with a batch of another genesis, or none', async () => {
    for (const change of [{ genesis: 'ab'.repeat(32) }, { digests: '' }]) {
      const entry = logBatch(world, { ...batchOf(world, [minted.saved]), ...change }, minted.signer)
      expect(failed(minted.saved, await proofOf(world, entry))).toEqual(['receipt.batch-signed'])
    }
  })

  test('without the log, or with too few witnesses', async () => {
    const { log, now } = world
    const other = await createWorld()
    expect(
      failed(minted.saved, { ...proof, note: await log.checkpoint({ time: now, witnesses: 1 }) }),
    ).toEqual(['receipt.batch-logged'])
    expect(failed(minted.saved, { ...proof, note: await other.log.checkpoint({ time: now }) })).toEqual([
      'receipt.batch-logged',
    ])
    expect(failed(minted.saved, { ...proof, index: proof.index - 1 })).toEqual(['receipt.batch-logged'])
    const { entry: _gone, ...without } = proof
    expect(failed(minted.saved, without)).toEqual(['receipt.batch-logged'])
  })

  test('for a receipt that does not hold itself, whatever the log says', async () => {
    const forged = await createReceipt(world, { signers: { receipt: fakeSigner() } })
    const entry = logBatch(world, batchOf(world, [forged.saved]), forged.signer)
    const result = verifyLogged(forged.saved, await proofOf(world, entry), world.policy)
    expect([result.ok, result.steps.some(({ name }) => name === 'receipt.logged')]).toEqual([false, false])
  })

  test(claim('receipt.logged', 'with any character changed'), () => {
    const text = encodeEntryProof(proof)
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.integer({ min: 1, max: 90 }), (at, shift) => {
        const code = ((text.charCodeAt(at) - 32 + shift) % 95) + 32
        fc.pre(text.charCodeAt(at) > 31 && text.charCodeAt(at) < 127 && code !== text.charCodeAt(at))
        const changed = text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1)
        let isProven: boolean
        try {
          isProven = verifyLogged(minted.saved, parseEntryProof(changed), world.policy).ok
        } catch (error) {
          expect(error).toMatchObject({ name: 'SottoError' })
          return
        }
        expect(isProven).toBe(false)
      }),
      { numRuns: RUNS },
    )
  })
})
