import { expect, test } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { documentDigest } from '@sotto/protocol/keyrelease'
import { RECEIPT_BATCH_TYPE } from '@sotto/protocol/receipt-log'
import { createReceipt, createWorld, fakeSigner, type World } from '@sotto/testkit'
import { claim } from '../../../../test/claims.ts'
import { createLogReader, type EntryProof } from '../../src/monitor/index.ts'
import { findLogged, verifyLogged } from '../../src/receipt-log/index.ts'
import { serve } from '../monitor/support.ts'
import { batchOf, logBatch } from './support.ts'

function find(world: World, saved: Parameters<typeof findLogged>[0]): Promise<EntryProof> {
  const fetch = serve({ log: world.log, time: world.now })
  return findLogged(saved, {
    policy: world.policy,
    reader: createLogReader(new URL('http://log/log'), fetch),
  })
}

test('finds the batch among many entries, and what it finds is proven', async () => {
  const world = await createWorld()
  const minted = await createReceipt(world)
  const first = batchOf(world, [])
  logBatch(world, first, minted.signer)
  // A whole bundle of others: entries of anybody, and batches of other enclaves with this very receipt.
  for (let n = 0; n < 300; n++) world.log.append(utf8(`${n}`))
  logBatch(world, batchOf(world, [minted.saved]), fakeSigner())
  const second = batchOf(world, [minted.saved], { sequence: 2, previous: documentDigest(first) })
  const index = world.log.size
  logBatch(world, second, minted.signer)
  const proof = await find(world, minted.saved)
  expect(proof.index).toBe(index)
  expect(verifyLogged(minted.saved, proof, world.policy)).toMatchObject({ ok: true, index })
})

test(claim('receipt.logged', 'a receipt that was left out is said to be not logged'), async () => {
  const world = await createWorld()
  const minted = await createReceipt(world)
  const other = await createReceipt(world)
  await expect(find(world, minted.saved)).rejects.toMatchObject({
    code: 'RECEIPT_NOT_LOGGED',
    action: 'retry',
    found: `0 batches in ${world.log.size} entries`,
  })
  logBatch(world, batchOf(world, [other.saved]), minted.signer)
  logBatch(world, batchOf(world, [], { sequence: 3 }), minted.signer)
  logBatch(world, { ...batchOf(world, [minted.saved]), digests: 'AAAA' }, minted.signer)
  await expect(find(world, minted.saved)).rejects.toMatchObject({
    code: 'RECEIPT_NOT_LOGGED',
    found: `2 batches in ${world.log.size} entries, 1 missing among them`,
    message: expect.stringContaining('NOT LOGGED') as string,
  })
})

test('a receipt that does not hold is looked for nowhere', async () => {
  const world = await createWorld()
  const { saved } = await createReceipt(world, { signers: { receipt: fakeSigner() } })
  await expect(find(world, saved)).rejects.toMatchObject({ code: 'RECEIPT_INVALID', action: 'stop' })
})

test('a log that serves others entries than it signed, or another log, is refused', async () => {
  const world = await createWorld()
  const minted = await createReceipt(world)
  logBatch(world, batchOf(world, [minted.saved]), minted.signer)
  const served = serve({ log: world.log, time: world.now })
  const swapped: typeof globalThis.fetch = async (input, init) => {
    const response = await served(input, init)
    if (!String(input).includes('/tile/entries/')) return response
    const text = Buffer.from(await response.arrayBuffer())
    text[text.indexOf(RECEIPT_BATCH_TYPE)]! ^= 1
    return new Response(text)
  }
  const reader = createLogReader(new URL('http://log/log'), swapped)
  await expect(findLogged(minted.saved, { policy: world.policy, reader })).rejects.toMatchObject({
    code: 'MERKLE_INCLUSION',
  })
  const foreign = await createWorld()
  const { log, now } = foreign
  const elsewhere = createLogReader(new URL('http://log/log'), serve({ log, time: now }))
  await expect(findLogged(minted.saved, { policy: world.policy, reader: elsewhere })).rejects.toMatchObject({
    action: 'stop',
  })
})
