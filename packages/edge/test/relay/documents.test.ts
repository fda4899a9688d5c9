import { expect, test } from 'vitest'
import { utf8, fromUtf8 } from '@sotto/protocol/bytes'
import { createDocumentCache, type DocumentOwner, DOCUMENTS } from '../../src/relay/documents.ts'

const owner = (...origins: string[]): DocumentOwner => ({ documentOrigins: () => origins })
const GATEWAY = owner('http://gateway.test')
const OTHER = owner('http://other.test')

function cache() {
  const clock = { now: 0 }
  let asked = 0
  const documents = createDocumentCache(
    () => {
      const body = new Blob([utf8(`document ${++asked}`) as Uint8Array<ArrayBuffer>]).stream()
      return Promise.resolve({ status: 200, contentType: 'application/json', body })
    },
    15_000,
    () => clock.now,
  )
  const get = async (of = GATEWAY): Promise<string> => fromUtf8(await documents.get(of, DOCUMENTS.trust))
  return { clock, documents, get }
}

test('an owner is asked once per document while it is fresh', async () => {
  const { clock, get } = cache()
  expect([await get(), await get()]).toEqual(['document 1', 'document 1'])
  clock.now = 15_000
  expect(await get()).toBe('document 2')
})

test('what its owner disowned is asked for again, at most once a second, and nobody else’s is', async () => {
  const { clock, documents, get } = cache()
  expect([await get(), await get(OTHER)]).toEqual(['document 1', 'document 2'])
  clock.now = 999
  documents.forget(GATEWAY)
  expect(await get()).toBe('document 1')
  clock.now = 1000
  documents.forget(GATEWAY)
  expect([await get(), await get(OTHER)]).toEqual(['document 3', 'document 2'])
  documents.forget(GATEWAY)
  expect(await get()).toBe('document 3')
})

test('of several origins the first that has the document is asked, and three at most', async () => {
  const asked: string[] = []
  const documents = createDocumentCache(
    ({ url }) => {
      asked.push(url.host)
      const status = url.host === 'c' ? 200 : url.host === 'b' ? 503 : 500
      return Promise.resolve({ status, contentType: 'application/json', body: new Blob(['{}']).stream() })
    },
    15_000,
    () => 0,
  )
  const some = owner('http://a', 'http://b', 'http://c')
  expect(fromUtf8(await documents.get(some, DOCUMENTS.trust))).toBe('{}')
  expect(asked).toEqual(['a', 'b', 'c'])
  const none = owner('http://b', 'http://a', 'http://a', 'http://c')
  await expect(documents.get(none, DOCUMENTS.trust)).rejects.toMatchObject({ code: 'RELAY_GATEWAY_BUSY' })
  expect(asked).toEqual(['a', 'b', 'c', 'b', 'a', 'a'])
})
