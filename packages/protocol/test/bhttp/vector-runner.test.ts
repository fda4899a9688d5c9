import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { encodeRequest } from '@sotto/protocol/bhttp'
import { concat, toHex, utf8 } from '@sotto/protocol/bytes'
import { bhttp } from '../../../../scripts/vectors/bhttp.ts'
import { runFamily } from '../../../../scripts/vectors/harness.ts'
import { failuresOf } from '../../../../scripts/vectors/testing.ts'

const head = {
  method: 'POST',
  scheme: 'https',
  authority: 'a.example',
  path: '/',
  fields: [['a', 'b']] as const,
}
const good = {
  name: 'good',
  kind: 'request',
  bytes: toHex(concat(...encodeRequest(head, { content: [utf8('abc')], trailers: [['t', 'u']] }))),
  expect: 'accept',
  method: 'POST',
  scheme: 'https',
  authority: 'a.example',
  path: '/',
  headers: [['a', 'b']],
  content: '616263',
  trailers: [['t', 'u']],
  canonical: true,
}
const bad = { name: 'bad', kind: 'any', bytes: '04', expect: 'reject' }

describe('the runner of binary HTTP vectors', () => {
  it('passes a good message and a bad one', async () => {
    expect(await failuresOf(bhttp, [good, bad])).toEqual([])
  })

  it.each(['method', 'scheme', 'authority', 'path', 'headers', 'content', 'trailers', 'kind', 'bytes'])(
    'notices another value, and none, of %s',
    async (field) => {
      const { [field as 'path']: _, ...without } = good
      expect(await failuresOf(bhttp, [without])).not.toEqual([])
      const other = field === 'kind' ? 'response' : field === 'content' ? '616264' : 'x'
      expect(await failuresOf(bhttp, [{ ...good, [field]: other }])).not.toEqual([])
    },
  )

  it('notices informational responses that the vector does not name', async () => {
    const response = { name: 'r', kind: 'response', bytes: '0140670040c800', expect: 'accept', status: 200 }
    expect(await failuresOf(bhttp, [{ ...response, informational: [{ status: 103, headers: [] }] }])).toEqual(
      [],
    )
    expect(await failuresOf(bhttp, [response])).not.toEqual([])
  })

  it.each([undefined, 'accepted', 'invalid', ''])(
    'takes the expectation %j for no permission',
    async (expect_) => {
      expect(await failuresOf(bhttp, [{ ...good, expect: expect_ }])).not.toEqual([])
      expect(await failuresOf(bhttp, [{ ...bad, expect: expect_ }])).not.toEqual([])
    },
  )

  it('passes messages beyond the limits of a receiver, which are no part of the format', async () => {
    const fields = Array.from({ length: 300 }, (_, index) => [`f${index}`, 'x'.repeat(10)] as const)
    const bytes = toHex(concat(...encodeRequest({ ...head, fields }, { content: [utf8('abc')] })))
    expect(await failuresOf(bhttp, [{ ...good, bytes, headers: fields, trailers: [] }])).toEqual([])
  })
})

describe('the harness', () => {
  const root = mkdtempSync(join(tmpdir(), 'sotto-vectors-'))
  const folder = join(root, bhttp.folder)
  afterAll(() => rmSync(root, { recursive: true }))

  it('reports a broken and an empty file, runs the others, and reads no documents', async () => {
    mkdirSync(join(folder, 'deeper'), { recursive: true })
    writeFileSync(join(folder, 'broken'), '[{')
    writeFileSync(join(folder, 'empty.json'), '[]')
    writeFileSync(join(folder, 'deeper', 'packed'), gzipSync(JSON.stringify([good])))
    writeFileSync(join(folder, 'README.md'), 'About these vectors')
    const reports = await runFamily(root, bhttp)
    expect(
      reports.map(({ file, passed, total, failures }) => [file, passed, total, failures.length]),
    ).toEqual([
      ['broken', 0, 1, 1],
      [join('deeper', 'packed'), 1, 1, 0],
      ['empty.json', 0, 0, 1],
    ])
  })
})
