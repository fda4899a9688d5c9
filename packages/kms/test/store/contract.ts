import { utf8 } from '@sotto/protocol/bytes'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Change, SealedStore, StoredRecord } from '../../src/store/index.ts'
import type { Fault } from './memory.ts'

const numRuns = process.env['SLOW'] === '1' ? 300 : 12
const change: fc.Arbitrary<Change> = fc.record({
  table: fc.constantFrom('f', 'g'),
  key: fc.constantFrom('1', '2', 'é', ''),
  value: fc.option(fc.uint8Array({ maxLength: 40 }), { nil: null }),
})
const step = fc.record({
  changes: fc.array(change, { maxLength: 4 }),
  fault: fc.constantFrom<(Fault | undefined)[]>(undefined, undefined, 'not-persisted', 'reported-failed'),
  reopens: fc.boolean(),
})

/** What every {@link SealedStore} must do. `open` gives the same store again after it was closed. */
export function testStore(name: string, open: () => Promise<SealedStore>): void {
  const put = (table: string, key: string, value: string) => ({ table, key, value: utf8(value) })

  test(`${name}: keeps, overwrites and removes records, in order`, async () => {
    const store = await open()
    expect(await store.readAll()).toEqual([])
    await store.commit([put('b', '1', 'x'), put('a', '2', 'y'), put('a', '1', '')])
    await store.commit([
      put('a', '2', 'z'),
      { table: 'b', key: '1', value: null },
      { table: 'c', key: '1', value: null },
    ])
    expect(await store.readAll()).toEqual([put('a', '1', ''), put('a', '2', 'z')])
    await store.commit([put('b', '1', 'again')])
    expect(await store.readAll()).toHaveLength(3)
    await store.close()
  })

  test(`${name}: a commit with a bad change changes nothing`, async () => {
    const store = await open()
    await store.commit([put('d', '1', 'x')])
    const before = await store.readAll()
    await expect(store.commit([put('', '1', 'x'), put('d', '1', 'y')])).rejects.toThrow(RangeError)
    expect(await store.readAll()).toEqual(before)
    await store.close()
  })

  test(`${name}: is not changed through what it was given or gave`, async () => {
    const store = await open()
    const value = utf8('x')
    await store.commit([{ table: 'e', key: '1', value }])
    value.fill(0)
    const read = (await store.readAll()).find((record) => record.table === 'e')!
    expect(read.value).toEqual(utf8('x'))
    read.value.fill(0)
    expect((await store.readAll()).find((record) => record.table === 'e')!.value).toEqual(utf8('x'))
    await store.close()
  })

  test(`${name}: is what its commits say, whichever of them fail before or after they happen`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 6 }), async (steps) => {
        let store = await open()
        const model = new Map((await store.readAll()).map((record) => [nameOf(record), record.value]))
        for (const { changes, fault, reopens } of steps) {
          if (fault !== 'not-persisted') {
            await store.commit(changes)
            for (const { value, ...place } of changes) {
              if (value === null) model.delete(nameOf(place))
              else model.set(nameOf(place), value)
            }
          }
          if (reopens) {
            await store.close()
            store = await open()
          }
          // Whoever was told of a failure reads before it goes on; so does a process that starts.
          if (fault !== undefined || reopens) {
            const found = new Map((await store.readAll()).map((record) => [nameOf(record), record.value]))
            expect(found).toEqual(model)
          }
        }
        await store.close()
      }),
      { numRuns },
    )
  }, 60_000)

  test(`${name}: refuses what is beyond its bounds and stays as it was`, async () => {
    const store = await open()
    const before = await store.readAll()
    for (const bad of [
      { table: 't', key: 'k', value: new Uint8Array(4 * 1024 * 1024 + 1) },
      { table: 't', key: 'k'.repeat(257), value: utf8('x') },
      { table: 't\0u', key: 'k', value: utf8('x') },
    ]) {
      await expect(store.commit([bad])).rejects.toThrow(RangeError)
    }
    const many = Array.from({ length: 4097 }, (_, n) => put('many', String(n), 'x'))
    await expect(store.commit(many)).rejects.toThrow(RangeError)
    await store.commit([put('h', '1', 'x')])
    expect(await store.readAll()).toHaveLength(before.length + 1)
    await store.close()
  })
}

function nameOf({ table, key }: Pick<StoredRecord, 'table' | 'key'>): string {
  return `${table}\0${key}`
}
