import { fromUtf8, toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { createModelManifest, parseModelManifest } from '@sotto/protocol/model-manifest'
import { encodeDataManifest } from '@sotto/protocol/room'
import { describe, expect, it } from 'vitest'
import { roomParty } from '../../../src/rooms/index.ts'
import { all, blob, changing, contentOf, contractOf, FILES, itemsOf, latin1, seed, TAR } from './inputs.ts'

const WAV = 'RIFF....WAVEfmt '
const kinds = Object.keys(FILES) as (keyof typeof FILES)[]

describe('content of an input', () => {
  it.each(kinds)('is what its manifest says, each time it is read: %s', async (kind) => {
    const content = await contentOf(kind)
    const bytes = await all(content.read())
    expect(await all(content.read())).toEqual(bytes)
    expect(content.bytes).toBe(bytes.length)
    expect(content.manifest).toMatchObject({ kind, bytes: bytes.length, sha256: toHex(crypto.sha256(bytes)) })
    expect(content.metadata).toBe(encodeDataManifest(content.manifest))
    expect(content.digest).toBe(toHex(crypto.sha256(utf8(content.metadata))))
  })

  it('has no name of a file in it', async () => {
    for (const kind of ['table', 'text', 'audio', 'image', 'code'] as const) {
      const content = await contentOf(kind)
      const whole = String.fromCharCode(...(await all(content.read()))) + content.metadata
      for (const name of Object.keys(FILES[kind])) expect(whole).not.toContain(name)
    }
  })

  it('tells how many bytes were hashed', async () => {
    let told = 0
    const content = await contentOf('text', FILES.text, { onBytes: (bytes) => (told += bytes) })
    expect(told).toBe(content.bytes)
  })

  it('is not read on after it was given up', async () => {
    const signal = AbortSignal.abort(new Error('given up'))
    for (const kind of kinds)
      await expect(contentOf(kind, FILES[kind], { signal })).rejects.toThrow('given up')
    const content = await contentOf('text')
    await expect(all(content.read(signal))).rejects.toThrow('given up')
  })
})

describe('the digest of content', () => {
  it('is the same for the same data of the same owner under the same draft', async () => {
    const [one, other] = [await contentOf('table'), await contentOf('table')]
    expect(other.metadata).toBe(one.metadata)
    // A change of this is a change of every digest that contracts agree on.
    expect(one.digest).toBe('8da76b8b72e0227fcd2f6d2e1fafbbaf32238c54a917621ff4fe998bafed0654')
  })

  it('depends on the content, its owner and the salt of the contract, and tells none of them', async () => {
    const { contract } = contractOf('table')
    const all = await Promise.all([
      contentOf('table'),
      contentOf('table', { 'accounts.csv': blob('customer,amount\nada,13\n') }),
      contentOf('table', FILES.table, { party: roomParty(seed(4)) }),
      contentOf('table', FILES.table, { contract: { ...contract, salt: 'B'.repeat(43) } }),
    ])
    expect(new Set(all.map(({ digest }) => digest)).size).toBe(4)
    expect(new Set(all.map(({ manifest }) => manifest.salt)).size).toBe(4)
    for (const { manifest } of all) expect(manifest.salt).not.toBe(contract.salt)
  })
})

describe('tables', () => {
  it.each([
    ['a.csv', 'customer,amount\r\nada,12\r\n', 'csv'],
    ['A.CSV', '"Customer","AMOUNT"\nada,12\n', 'csv'],
    ['a.jsonl', '{"customer":"ada","amount":12}\n{"customer":"eve","amount":1}', 'jsonl'],
    ['a.ndjson', '{"customer":null,"amount":12}', 'jsonl'],
    ['a.parquet', 'PAR1....PAR1', 'parquet'],
  ])('are taken as they are: %s', async (name, text, media) => {
    const content = await contentOf('table', { [name]: blob(text) })
    expect(content.manifest).toMatchObject({ media, items: 1 })
    expect(fromUtf8(await all(content.read()))).toBe(text)
  })

  it('are what the caller says, whatever their name', async () => {
    const files = { 'export.txt': blob('customer,amount\n') }
    expect((await contentOf('table', files, { media: 'csv' })).manifest.media).toBe('csv')
    await expect(contentOf('table', files)).rejects.toMatchObject({
      code: 'ROOM_DATA_SOURCE',
      message: 'nothing says how export.txt is written',
    })
    await expect(contentOf('table', files, { media: 'wasm' })).rejects.toMatchObject({
      message: 'table is not written as wasm',
      expected: 'csv, jsonl, parquet',
    })
  })

  it('read no further than the first line to know their columns', async () => {
    let pulled = 0
    const file = blob('{"customer":"ada","amount":1}\n', 'x'.repeat(1000))
    const { size } = file
    file.stream = () =>
      new ReadableStream({
        pull(controller) {
          pulled++
          controller.enqueue(latin1('{"customer":"eve","name":1}\n') as Uint8Array<ArrayBuffer>)
        },
      })
    expect(size).toBeGreaterThan(1000)
    await expect(contentOf('table', { 'a.jsonl': file })).rejects.toMatchObject({
      message: 'a.jsonl has not the columns of the contract',
    })
    expect(pulled).toBeLessThan(4)
  })
})

describe('texts', () => {
  it('are one for each file, in the order of their names', async () => {
    const { manifest, read } = await contentOf('text')
    expect(manifest).toMatchObject({ media: 'text', items: 3 })
    expect(await itemsOf(manifest, await all(read()))).toEqual(['\xc3\xa4', 'second', ''])
  })

  it('are one for each line of JSON Lines', async () => {
    const lines = ['"one"', '', '{"id":7,"text":"tw\\u006f"}\r', '  "three"  ', '""', '{"text":"four"}']
    const files = { 'b.jsonl': blob(lines.join('\n')), 'a.txt': blob('zero'), 'c.NDJSON': blob('"five"\n') }
    const { manifest, read } = await contentOf('text', files)
    expect(manifest.items).toBe(7)
    const items = ['zero', 'one', 'two', 'three', '', 'four', 'five']
    expect(await itemsOf(manifest, await all(read()))).toEqual(items)
  })
})

describe('recordings and images', () => {
  it.each([
    ['audio', WAV],
    ['audio', 'RF64....WAVE'],
    ['audio', 'BW64....WAVE'],
    ['audio', 'FORM....AIFF'],
    ['audio', 'FORM....AIFC'],
    ['audio', 'fLaC'],
    ['audio', 'OggS'],
    ['audio', '\x1a\x45\xdf\xa3'],
    ['audio', 'ID3'],
    ['audio', '\xff\xfb\x90'],
    ['image', '\x89PNG\r\n\x1a\n'],
    ['image', '\xff\xd8\xff\xe0'],
    ['image', 'RIFF....WEBP'],
  ] as const)('are told by how they begin, whatever their names: %s %j', async (kind, start) => {
    const { manifest, read } = await contentOf(kind, { 'file.bin': blob(latin1(start), 'more') })
    expect(manifest).toMatchObject({ kind, media: kind, items: 1 })
    expect(await itemsOf(manifest, await all(read()))).toEqual([`${start}more`])
  })
})

describe('models', () => {
  it('are their files in the order of their manifest', async () => {
    const { manifest, read } = await contentOf('model')
    expect(manifest).toMatchObject({ kind: 'model', media: 'model', items: 2, bytes: 9 })
    expect(parseModelManifest(manifest.model!)).toMatchObject({ id: 'model', engine: 'onnx' })
    expect(fromUtf8(await all(read()))).toBe('weights{}')
  })

  it('are what is said about them where they have no manifest', async () => {
    const model = { id: 'ears', license: 'Apache-2.0' }
    const { manifest } = await contentOf('model', FILES.model, { model })
    expect(parseModelManifest(manifest.model!)).toMatchObject(model)
  })

  it('come with their own manifest', async () => {
    const weights = utf8('weights')
    const file = { name: 'w.onnx', sha256: toHex(crypto.sha256(weights)), size: 7, role: 'weights' as const }
    const own = createModelManifest({ id: 'own', task: 'tensors', engine: 'onnx', files: [file] })
    const files = { 'manifest.json': blob(JSON.stringify(own)), 'w.onnx': blob(weights) }
    const { manifest } = await contentOf('model', files)
    expect(JSON.parse(manifest.model!)).toEqual(own)
    await expect(contentOf('model', { ...files, 'w.onnx': blob('weighty') })).rejects.toMatchObject({
      code: 'MODEL_SOURCE',
    })
  })

  it('are refused before the whole is hashed where their manifest is too long', async () => {
    const names = Array.from({ length: 60 }, (_, at) => `${'external-data-'.repeat(8)}${at}`)
    const files = Object.fromEntries(names.map((name) => [name, blob('x')]))
    let told = 0
    const options = { onBytes: () => told++, model: { license: 'l'.repeat(2000) } }
    const asked = contentOf('model', { ...files, 'net.onnx': blob('w') }, options)
    await expect(asked).rejects.toMatchObject({
      code: 'ROOM_DATA_SOURCE',
      action: 'fix-input',
      message: 'the manifest of the model is too long for a room',
    })
    expect(told).toBe(0)
  })
})

describe('code', () => {
  it('is a module of WebAssembly, or an archive, whatever its name', async () => {
    expect((await contentOf('code')).manifest).toMatchObject({ media: 'wasm', items: 1 })
    expect((await contentOf('code', { image: blob(TAR) })).manifest).toMatchObject({ media: 'oci', items: 1 })
    expect((await contentOf('code', { image: blob(TAR) }, { media: 'oci' })).manifest.media).toBe('oci')
  })
})

describe('files that change', () => {
  it.each([
    ['other bytes', 'customer,amount\neve,12\n'],
    ['fewer bytes', 'customer,amount\nada,12'],
    ['more bytes', 'customer,amount\nada,12\n\n'],
    ['no bytes', ''],
  ])('are not given away whole after they were hashed: %s', async (_what, later) => {
    const before = 'customer,amount\nada,12\n'
    const content = await contentOf('table', { 'a.csv': changing(before, later) })
    const given: Uint8Array[] = []
    const read = async (): Promise<void> => {
      for await (const piece of content.read()) given.push(piece)
    }
    await expect(read()).rejects.toMatchObject({ code: 'ROOM_DATA_SOURCE', action: 'fix-input' })
    expect(given.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(before.length)
  })

  it('are said to be unreadable by name', async () => {
    const file = blob('fLaC')
    file.stream = () =>
      new ReadableStream({
        pull: (controller) => controller.error(new DOMException('x', 'NotReadableError')),
      })
    await expect(contentOf('audio', { 'a.flac': file })).rejects.toMatchObject({
      code: 'ROOM_DATA_SOURCE',
      message: 'a.flac cannot be read, or changed while it was read',
    })
    file.slice = () => file
    file.arrayBuffer = () => Promise.reject(new DOMException('x', 'NotReadableError'))
    await expect(contentOf('audio', { 'a.flac': file })).rejects.toMatchObject({
      message: 'a.flac cannot be read, or changed while it was read',
    })
  })
})

it('refuses a table without columns: there is nothing to compare it with', async () => {
  await expect(contentOf('table', FILES.table, { columns: [] })).rejects.toMatchObject({
    code: 'ROOM_DATA_SOURCE',
    message: 'a table has the columns that the contract gives it',
  })
})
