import { utf8 } from '@sotto/protocol/bytes'
import { expect, test } from 'vitest'
import type { SealedStore } from '../../src/store/index.ts'

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
}
