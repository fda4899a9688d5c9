import type { InputKind } from '@sotto/protocol/contract'
import { MAX_DATA_ITEMS, MAX_ITEM_BYTES } from '@sotto/protocol/room'
import { describe, expect, it } from 'vitest'
import type { SottoError } from '@sotto/protocol/errors'
import { MAX_LINE_BYTES } from '../../../src/rooms/data/lines.ts'
import type { DataFiles, DataOptions } from '../../../src/rooms/index.ts'
import { blob, contentOf, latin1, TAR } from './inputs.ts'

async function refusalOf(
  kind: InputKind,
  files: DataFiles,
  change: Partial<DataOptions> = {},
): Promise<SottoError> {
  const error: unknown = await contentOf(kind, files, change).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toMatchObject({ code: 'ROOM_DATA_SOURCE', action: 'fix-input' })
  return error as SottoError
}

/** A file that says that it has so many bytes. */
function sized(size: number): Blob {
  return Object.defineProperty(blob('x'), 'size', { value: size })
}

describe('refuses as a table', () => {
  it.each<[string, DataFiles, string]>([
    ['nothing', {}, 'a table is one file'],
    ['two files', { 'a.csv': blob('customer,amount\n'), 'b.csv': blob('') }, 'a table is one file'],
    ['a name that says nothing', { a: blob('customer,amount\n') }, 'nothing says how a is written'],
    ['an empty file', { 'a.csv': blob('') }, 'the first line of a.csv is none of names of columns'],
    [
      'names without an end of their line',
      { 'a.csv': blob('customer,amount') },
      'the first line of a.csv is none of names of columns',
    ],
    [
      'a byte order mark',
      { 'a.csv': blob('\ufeffcustomer,amount\n') },
      'the first line of a.csv is none of names of columns',
    ],
    [
      'another separator',
      { 'a.csv': blob('customer;amount\n') },
      'the first line of a.csv is none of names of columns',
    ],
    [
      'a quote that is not closed',
      { 'a.csv': blob('"customer,amount\n') },
      'the first line of a.csv is none of names of columns',
    ],
    [
      'what is not UTF-8',
      { 'a.csv': blob(latin1('customer,\xff\n')) },
      'the first line of a.csv is none of names of columns',
    ],
    [
      'a first line without end',
      { 'a.csv': blob(`${'customer,'.repeat(10_000)}\n`) },
      'the first line of a.csv is none of names of columns',
    ],
    ['no object', { 'a.jsonl': blob('["ada",12]\n') }, 'the first line of a.jsonl is no object'],
    ['no JSON', { 'a.jsonl': blob('customer,amount\n') }, 'the first line of a.jsonl is no object'],
    ['null', { 'a.jsonl': blob('null\n') }, 'the first line of a.jsonl is no object'],
    [
      'an empty first line',
      { 'a.jsonl': blob('\n{"customer":"a","amount":1}') },
      'the first line of a.jsonl is no object',
    ],
    ['no line', { 'a.jsonl': blob('') }, 'the first line of a.jsonl is no object'],
    ['half of Parquet', { 'a.parquet': blob('PAR1..........') }, 'a.parquet is no Parquet file, or is cut'],
    ['its other half', { 'a.parquet': blob('..........PAR1') }, 'a.parquet is no Parquet file, or is cut'],
    ['one magic for both ends', { 'a.parquet': blob('PAR1') }, 'a.parquet is no Parquet file, or is cut'],
  ])('%s', async (_what, files, message) => {
    expect((await refusalOf('table', files)).message).toBe(message)
  })

  it.each<[string, string, string, string]>([
    ['fewer columns', 'a.csv', 'customer\n', '1 columns'],
    ['more columns', 'a.csv', 'customer,amount,secret\n', '3 columns'],
    ['another order', 'a.csv', 'amount,customer\n', 'column 1 has another name'],
    ['a row where names should be', 'a.csv', 'customer,SECRET\n', 'column 2 has another name'],
    [
      'another member',
      'a.jsonl',
      '{"customer":1,"secret":2}',
      'an object with other members, or in another order',
    ],
    [
      'a member more',
      'a.jsonl',
      '{"customer":1,"amount":2,"secret":2}',
      'an object with other members, or in another order',
    ],
    [
      'members in another order',
      'a.jsonl',
      '{"amount":1,"customer":2}',
      'an object with other members, or in another order',
    ],
    [
      'members in other letters',
      'a.jsonl',
      '{"Customer":1,"amount":2}',
      'an object with other members, or in another order',
    ],
  ])('%s, and says nothing of what is there', async (_what, name, text, found) => {
    const error = await refusalOf('table', { [name]: blob(text) })
    expect(error).toMatchObject({
      message: `${name} has not the columns of the contract`,
      expected: 'customer, amount',
      found,
    })
    expect(JSON.stringify(error).toLowerCase()).not.toContain('secret')
  })
})

describe('refuses as texts', () => {
  it.each<[string, DataFiles, string]>([
    ['no file', {}, 'there is no file'],
    ['no line', { 'a.jsonl': blob('\n\n') }, 'there is nothing in it'],
    ['what is not UTF-8', { 'a.txt': blob(latin1('caf\xe9')) }, 'a.txt is no text in UTF-8'],
    ['a character that is cut', { 'a.txt': blob(latin1('caf\xc3')) }, 'a.txt is no text in UTF-8'],
    ['no JSON', { 'a.jsonl': blob('"one"\ntwo') }, 'line 2 of a.jsonl is no text'],
    ['a number', { 'a.jsonl': blob('1') }, 'line 1 of a.jsonl is no text'],
    ['null', { 'a.jsonl': blob('null') }, 'line 1 of a.jsonl is no text'],
    ['a list', { 'a.jsonl': blob('["text"]') }, 'line 1 of a.jsonl is no text'],
    ['an object without a text', { 'a.jsonl': blob('{"texts":"x"}') }, 'line 1 of a.jsonl is no text'],
    ['an object whose text is none', { 'a.jsonl': blob('{"text":1}') }, 'line 1 of a.jsonl is no text'],
    ['half of a character', { 'a.jsonl': blob('"\\ud800"') }, 'line 1 of a.jsonl is no text'],
    ['a line that is not UTF-8', { 'a.jsonl': blob(latin1('"\xff"')) }, 'line 1 of a.jsonl is no text'],
    ['a text that is too large', { 'a.txt': sized(MAX_LINE_BYTES + 1) }, 'a.txt is too large'],
    ['a byte order mark before a line', { 'a.jsonl': blob('\ufeff"one"') }, 'line 1 of a.jsonl is no text'],
    [
      'a line that is too long',
      { 'a.jsonl': blob('"x"\n', new Uint8Array(MAX_LINE_BYTES + 1)) },
      'line 2 of a.jsonl is too long',
    ],
    [
      'more items than a manifest counts',
      { 'a.jsonl': blob('""\n'.repeat(MAX_DATA_ITEMS + 1)) },
      'there are too many items',
    ],
  ])('%s', async (_what, files, message) => {
    expect((await refusalOf('text', files)).message).toBe(message)
  })

  it('and says nothing of what is in a line', async () => {
    const { message, cause, expected, found } = await refusalOf('text', {
      'a.jsonl': blob('{"text": SECRET}'),
    })
    expect(`${message} ${expected} ${found} ${String(cause)}`).not.toContain('SECRET')
  })
})

describe('refuses as recordings and images', () => {
  it.each<['audio' | 'image', string, string]>([
    ['audio', 'an empty file', ''],
    ['audio', 'an image', 'RIFF....WEBP'],
    ['audio', 'AAC', '\xff\xf1\x50'],
    ['audio', 'MP4', '\0\0\0\x20ftypM4A '],
    ['audio', 'a text', 'some words'],
    ['audio', 'a sync word that is cut', '\xff'],
    ['image', 'an empty file', ''],
    ['image', 'a recording', 'RIFF....WAVE'],
    ['image', 'GIF', 'GIF89a'],
    ['image', 'SVG', '<svg xmlns="http://www.w3.org/2000/svg"/>'],
    ['image', 'a magic that is cut', '\x89PNG'],
  ])('%s: %s', async (kind, _what, start) => {
    const files = { 'a.wav': blob('RIFF....WAVE'), 'b.bin': blob(latin1(start)) }
    const only = kind === 'audio' ? files : { 'b.bin': files['b.bin'] }
    const what = kind === 'audio' ? 'recording' : 'image'
    expect((await refusalOf(kind, only)).message).toBe(`b.bin is no ${what} that a room takes`)
  })

  it('no file, and one that is too large', async () => {
    expect((await refusalOf('image', {})).message).toBe('there is no file')
    expect(await refusalOf('audio', { 'a.wav': sized(MAX_ITEM_BYTES + 1) })).toMatchObject({
      message: 'a.wav is too large',
      found: `${MAX_ITEM_BYTES + 1}`,
    })
  })
})

describe('refuses as code', () => {
  it.each<[string, Uint8Array | string]>([
    ['nothing', ''],
    ['a magic that is cut', '\0asm'],
    ['a component', '\0asm\x0d\0\x01\0'],
    ['another version', '\0asm\x02\0\0\0'],
    ['an archive that is cut', TAR.subarray(0, 260)],
    ['a script', '#!/bin/sh\n'],
  ])('%s', async (_what, start) => {
    expect(await refusalOf('code', { program: blob(start) })).toMatchObject({
      message: 'program is no code that a room runs',
      expected: 'a module of WebAssembly, or an OCI image as tar archive',
    })
  })

  it('one for the other, more than one file, and what is compressed', async () => {
    expect(await refusalOf('code', { a: blob(TAR) }, { media: 'wasm' })).toMatchObject({
      expected: 'a module of WebAssembly',
    })
    expect(await refusalOf('code', { a: blob('\0asm\x01\0\0\0') }, { media: 'oci' })).toMatchObject({
      expected: 'an OCI image as tar archive',
    })
    expect((await refusalOf('code', { a: blob(TAR), b: blob(TAR) })).message).toBe('code is one file')
    expect(await refusalOf('code', { a: blob(latin1('\x1f\x8b\x08')) })).toMatchObject({
      hint: 'Decompress it first.',
    })
  })
})

it('refuses a model without files, by the code of models', async () => {
  await expect(contentOf('model', {})).rejects.toMatchObject({ code: 'MODEL_SOURCE', action: 'fix-input' })
})

it('refuses a file that is shorter or longer than it says', async () => {
  for (const size of [3, 5]) {
    const file = Object.defineProperty(blob('fLaC'), 'size', { value: size })
    expect((await refusalOf('audio', { 'a.flac': file })).message).toBe(
      'a.flac cannot be read, or changed while it was read',
    )
  }
})
