import { createReceipt, createWorld, type World } from '@sotto/testkit'
import type { SavedReceipt } from '@sotto/protocol/receipts'
import { verifyReceipt } from '@sotto/verifier'
import { beforeAll, expect, test } from 'vitest'
import { joinRows, rowsOf, unusedBundles } from '../../src/keep/receipt-rows.ts'

let world: World
let saved: SavedReceipt
beforeAll(async () => {
  world = await createWorld()
  saved = { ...(await createReceipt(world)).saved, trust: world.bundle }
})
const AT = 1_790_000_000_000
const kept = (...all: SavedReceipt[]) => all.map((one, n) => rowsOf(one, AT + n))

test('receipts of one verdict keep its bundle once, and come back whole', async () => {
  const other = { ...(await createReceipt(world)).saved, trust: structuredClone(world.bundle) }
  const rows = kept(saved, other)
  expect(new Set(rows.map(({ bundle }) => bundle!.name)).size).toBe(1)
  for (const { receipt } of rows) expect(receipt.saved).not.toHaveProperty('trust')
  // As the browser does, which copies what it keeps.
  const back = joinRows(structuredClone(rows.map(({ receipt }) => receipt)), [
    structuredClone(rows[0]!.bundle!),
  ])
  expect(back.map((one) => one.saved)).toEqual([saved, other])
  expect(back.map(({ id }) => id)).toEqual(rows.map(({ receipt }) => receipt.id))
  expect(verifyReceipt(back[0]!.saved, world.policy).steps.at(-1)).toMatchObject({
    name: 'receipt.trust',
    status: 'pass',
  })
})

test('a receipt without a bundle, of an older page, or whose bundle is gone, is there and says what is missing', () => {
  const { trust: _trust, ...bare } = saved
  const [{ receipt }] = kept(bare) as [ReturnType<typeof rowsOf>]
  expect(receipt).not.toHaveProperty('bundle')
  expect(joinRows([receipt], [])).toEqual([{ id: receipt.id, at: AT, saved: bare }])
  const [orphan] = joinRows([rowsOf(saved, AT).receipt], [])
  const result = verifyReceipt(orphan!.saved, world.policy)
  expect([result.ok, result.steps.at(-1)]).toMatchObject([true, { name: 'receipt.trust', status: 'skipped' }])
})

test('a bundle goes with its last receipt, and not while another tab is about to keep one', () => {
  const { receipt, bundle } = rowsOf(saved, AT)
  const late = AT + 61_000
  expect(unusedBundles([receipt], [bundle!], late)).toEqual([])
  expect(unusedBundles([], [bundle!], late)).toEqual([bundle!.name])
  expect(unusedBundles([], [bundle!], AT + 59_000)).toEqual([])
})
