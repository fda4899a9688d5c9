import { expect, test } from 'vitest'
import { utf8, fromUtf8 } from '@sotto/protocol/bytes'
import { createDocumentCache, DOCUMENTS } from '../../src/relay/documents.ts'

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
  const get = async (origin = 'http://gateway.test'): Promise<string> =>
    fromUtf8(await documents.get(origin, DOCUMENTS.trust))
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
  expect([await get(), await get('http://other.test')]).toEqual(['document 1', 'document 2'])
  clock.now = 999
  documents.forget('http://gateway.test')
  expect(await get()).toBe('document 1')
  clock.now = 1000
  documents.forget('http://gateway.test')
  expect([await get(), await get('http://other.test')]).toEqual(['document 3', 'document 2'])
  documents.forget('http://gateway.test')
  expect(await get()).toBe('document 3')
})
