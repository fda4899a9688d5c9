import { expect, test } from 'vitest'
import type { LogStore } from '../../src/log/store.ts'
import { edgeError } from '../../src/errors.ts'
import { createMemoryStore } from './memory-store.ts'
import { append, checkpoint, envelope, open, threeWitnesses } from './parties.ts'

test('with a full disk appends say so, reads go on, and so does freshness', async () => {
  const witnesses = threeWitnesses()
  const inner = createMemoryStore()
  let isFull = false
  const refuse = (): void => {
    if (isFull) throw edgeError('LOG_STORE_FULL', 'the disk is full; nothing was stored')
  }
  const store: LogStore = {
    ...inner,
    append(record) {
      refuse()
      inner.append(record)
    },
    writePublished(note) {
      refuse()
      inner.writePublished(note)
    },
  }
  const log = open(store, witnesses, { refreshMs: 10 })
  await append(log, envelope('a'))
  isFull = true
  expect(await append(log, envelope('b'))).toMatchObject({
    status: 507,
    body: { error: { code: 'LOG_STORE_FULL', action: 'retry' } },
  })
  expect((await log.app(new Request('http://log/log/tile/0/000.p/1'))).status).toBe(200)
  for (const witness of witnesses) witness.now += 500
  await expect.poll(async () => (await checkpoint(log, witnesses)).time).toBe(1_800_000_500)
  isFull = false
  expect(await append(log, envelope('b'))).toEqual({ status: 200, body: { index: 1 } })
})
