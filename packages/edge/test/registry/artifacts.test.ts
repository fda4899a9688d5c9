import fc from 'fast-check'
import { beforeEach, expect, it } from 'vitest'
import { content, createOwner, openTestRegistry, type Owner, sha256, type TestRegistry } from './parties.ts'

const FILE = content(5000)
let registry: TestRegistry
let owner: Owner

beforeEach(async () => {
  registry = openTestRegistry()
  owner = createOwner(registry.clock)
  registry.admit([owner])
  await registry.upload(owner, FILE)
  await registry.call('PUT', '/v1/models', owner.statement(FILE))
})

const read = (range?: string, method = 'GET'): Promise<Response> =>
  registry.call(method, `/artifacts/${sha256(FILE)}`, undefined, range === undefined ? {} : { range })
const bytesOf = async (response: Response): Promise<Uint8Array> =>
  new Uint8Array(await response.arrayBuffer())

it('a whole file, and its size without it', async () => {
  const response = await read()
  expect([response.status, response.headers.get('content-length')]).toEqual([200, '5000'])
  expect(await bytesOf(response)).toEqual(FILE)
  const head = await read(undefined, 'HEAD')
  expect([head.status, head.headers.get('accept-ranges'), head.headers.get('content-length')]).toEqual([
    200,
    'bytes',
    '5000',
  ])
  expect(head.body).toBeNull()
})

it('any one range is that part of the file', async () => {
  const place = fc.record({ start: fc.nat({ max: 4999 }), length: fc.integer({ min: 1, max: 6000 }) })
  await fc.assert(
    fc.asyncProperty(place, async ({ start, length }) => {
      const end = Math.min(start + length, 5000)
      const response = await read(`bytes=${start}-${start + length - 1}`)
      expect(response.status).toBe(206)
      expect(response.headers.get('content-range')).toBe(`bytes ${start}-${end - 1}/5000`)
      expect(await bytesOf(response)).toEqual(FILE.slice(start, end))
    }),
    { numRuns: 20 },
  )
  expect(await bytesOf(await read('bytes=4990-'))).toEqual(FILE.slice(4990))
  expect(await bytesOf(await read('bytes=-10'))).toEqual(FILE.slice(4990))
  expect(await bytesOf(await read('bytes=-9999'))).toEqual(FILE)
})

it.each([
  'bytes=5000-',
  'bytes=9-8',
  'bytes=-0',
  'bytes=-',
  'bytes=0-1,4-5',
  'chars=0-1',
  'bytes=a-b',
  'bytes=1e3-',
])('no range %s', async (range) => {
  const response = await read(range)
  expect(response.status).toBe(416)
  expect(await response.json()).toMatchObject({ error: { code: 'REGISTRY_RANGE' } })
})

it('no file that no served model names', async () => {
  for (const digest of [sha256(content(10)), '../../registry.db', '..%2f..%2fregistry.db', 'registry.db'])
    expect((await registry.call('GET', `/artifacts/${digest}`)).status).toBe(404)
  const waiting = content(700, 3)
  await registry.upload(owner, waiting)
  expect((await registry.call('GET', `/artifacts/${sha256(waiting)}`)).status).toBe(404)
})
