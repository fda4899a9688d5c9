import { expect, test } from 'vitest'
import { tileReader } from '../../src/trust/index.ts'

const LOG = new URL('http://relay.test/log')
const FULL = Uint8Array.from({ length: 256 * 32 }, (_, n) => n % 251)

/** A log that has these tiles. */
function logOf(tiles: Record<string, Uint8Array>): { fetch: typeof globalThis.fetch; asked: string[] } {
  const asked: string[] = []
  const fetch: typeof globalThis.fetch = async (input) => {
    const path = (input as URL).pathname
    asked.push(path)
    const bytes = tiles[path]
    return bytes === undefined
      ? new Response('no such tile', { status: 404 })
      : new Response(bytes as Uint8Array<ArrayBuffer>)
  }
  return { fetch, asked }
}

test('a partial tile that is gone is cut from the full one', async () => {
  const { fetch, asked } = logOf({ '/log/tile/0/000': FULL })
  const read = tileReader(LOG, fetch)
  expect(await read({ level: 0, index: 0, width: 5 })).toEqual(FULL.slice(0, 160))
  expect(asked).toEqual(['/log/tile/0/000.p/5', '/log/tile/0/000'])
})

test('a partial tile that is there is not asked for twice', async () => {
  const { fetch, asked } = logOf({ '/log/tile/1/000.p/3': FULL.slice(0, 96) })
  expect(await tileReader(LOG, fetch)({ level: 1, index: 0, width: 3 })).toEqual(FULL.slice(0, 96))
  expect(asked).toHaveLength(1)
})

test.each([
  ['neither is there', { level: 0, index: 7, width: 5 }, 2],
  ['a full one is not there', { level: 0, index: 7, width: 256 }, 1],
])('%s: nothing is shown', async (_, tile, requests) => {
  const { fetch, asked } = logOf({})
  await expect(tileReader(LOG, fetch)(tile)).rejects.toMatchObject({
    code: 'BUNDLE_UNREACHABLE',
    action: 'retry',
  })
  expect(asked).toHaveLength(requests)
})

test('a log that fails, or answers too much, is not asked for another tile', async () => {
  for (const answer of [() => new Response('', { status: 503 }), () => new Response(new Uint8Array(8193))]) {
    let requests = 0
    const read = tileReader(LOG, async () => (requests++, answer()))
    await expect(read({ level: 0, index: 0, width: 5 })).rejects.toMatchObject({ code: 'BUNDLE_UNREACHABLE' })
    expect(requests).toBe(1)
  }
})
