import { expect, test } from 'vitest'
import { documentDigest } from '@sotto/protocol/keyrelease'
import { type ReceiptBatch } from '@sotto/protocol/receipt-log'
import { createReceipt, fakeSigner, type MintedReceipt } from '@sotto/testkit'
import { claim } from '../../../../test/claims.ts'
import { batchOf, logBatch } from '../receipt-log/support.ts'
import { type Desk, openDesk } from './support.ts'

async function open(): Promise<{ desk: Desk; enclave: MintedReceipt }> {
  const desk = await openDesk()
  return { desk, enclave: await createReceipt(desk.world) }
}

function next(desk: Desk, before: ReceiptBatch, change: Partial<ReceiptBatch> = {}): ReceiptBatch {
  return batchOf(desk.world, [], {
    sequence: before.sequence + 1,
    previous: documentDigest(before),
    ...change,
  })
}

test('the chains of two enclaves raise no alert, also where the log holds a batch twice', async () => {
  const { desk, enclave } = await open()
  const other = await createReceipt(desk.world)
  const first = batchOf(desk.world, [enclave.saved])
  const second = next(desk, first)
  logBatch(desk.world, first, enclave.signer)
  logBatch(desk.world, batchOf(desk.world, []), other.signer)
  logBatch(desk.world, first, enclave.signer)
  logBatch(desk.world, second, enclave.signer)
  const { counts } = await desk.round()
  expect([desk.alerts, counts.get('receipt batch'), counts.get('other')]).toEqual([[], 4, undefined])
  // What is known survives between rounds.
  logBatch(desk.world, next(desk, second), enclave.signer)
  expect(await desk.codes()).toEqual([])
})

test.each<[string, string[], (desk: Desk, enclave: MintedReceipt, first: ReceiptBatch) => void]>([
  [
    'a batch that nobody with released keys signed',
    ['RECEIPT_BATCH_UNCERTIFIED'],
    (desk, _enclave, first) => void logBatch(desk.world, next(desk, first), fakeSigner()),
  ],
  [
    'one that the KMS signed',
    ['RECEIPT_BATCH_UNCERTIFIED'],
    (desk, _enclave, first) => void logBatch(desk.world, next(desk, first), desk.world.signers.kms),
  ],
  [
    'one that is none',
    ['RECEIPT_BATCH_MALFORMED'],
    (desk, enclave, first) =>
      void logBatch(desk.world, { ...next(desk, first), digests: '' }, enclave.signer),
  ],
  [
    'a missing one',
    ['RECEIPT_BATCH_GAP'],
    (desk, enclave, first) => void logBatch(desk.world, next(desk, first, { sequence: 3 }), enclave.signer),
  ],
  [
    'a second version of one',
    ['RECEIPT_BATCH_FORK'],
    (desk, enclave) => void logBatch(desk.world, batchOf(desk.world, []), enclave.signer),
  ],
  [
    'one that names another before it',
    ['RECEIPT_BATCH_FORK'],
    (desk, enclave, first) =>
      void logBatch(desk.world, next(desk, first, { previous: 'ab'.repeat(32) }), enclave.signer),
  ],
])(claim('receipt.logged', '%s alarms whoever watches: %s'), async (_what, codes, act) => {
  const { desk, enclave } = await open()
  const first = batchOf(desk.world, [])
  logBatch(desk.world, first, enclave.signer)
  expect(await desk.codes()).toEqual([])
  act(desk, enclave, first)
  expect(await desk.codes()).toEqual(codes)
  expect(desk.alerts[0]!.index).toBe(desk.world.log.size - 1)
})

test('an enclave that begins with another than its first batch left one out', async () => {
  const { desk, enclave } = await open()
  logBatch(desk.world, batchOf(desk.world, [], { sequence: 2 }), enclave.signer)
  expect(await desk.codes()).toEqual(['RECEIPT_BATCH_GAP'])
})

test('a batch of another KMS is not this watch’s', async () => {
  const { desk } = await open()
  logBatch(desk.world, batchOf(desk.world, [], { genesis: 'ab'.repeat(32) }), fakeSigner())
  expect(await desk.codes()).toEqual([])
})
