import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { InferRequest } from '../../../src/engines/types.ts'
import { apiOf, binaryInput, errorOf, inferBinary, inferJson, pairModel } from './support.ts'

const asked: InferRequest[] = []
const pair = pairModel()
const counting = {
  ...pair,
  infer: (...words: Parameters<NonNullable<typeof pair.infer>>) => (
    asked.push(words[0]),
    pair.infer!(...words)
  ),
}
const api = apiOf(counting)
const a = { name: 'a', datatype: 'FP32', shape: [2, 1], data: [1, 2] }
const b = { name: 'b', datatype: 'INT64', shape: [], data: [1] }
const A = JSON.stringify(a)
const B = JSON.stringify(b)
const withA = (over: object): object => ({ inputs: [{ ...a, ...over }, b] })

describe('a request that is not what it must be', () => {
  it.each<[string, string | object, string]>([
    ['nothing', '', '{ is expected'],
    ['an array', '[]', '{ is expected'],
    ['no inputs', {}, 'inputs: the request has none'],
    ['inputs that are no list', { inputs: 1 }, '[ is expected'],
    ['a member twice', `{"inputs":[${A},${B}],"inputs":[]}`, 'a member twice'],
    ['a member of an input twice', `{"inputs":[${A.slice(0, -1)},"name":"a"},${B}]}`, 'a member twice'],
    ['an unknown member', { inputs: [a, b], extra: 1 }, 'unknown member'],
    ['an unknown member of an input', withA({ extra: 1 }), 'inputs[0] has an unknown member'],
    ['something behind it', `{"inputs":[${A},${B}]} x`, 'something follows its end'],
    ['a comma too many', `{"inputs":[${A},${B},]}`, '{ is expected'],
    ['no end', `{"inputs":[${A},${B}]`, '} is expected'],
    ['no end of a string', `{"inputs":[{"name":"a`, 'inside a string'],
    ['no end of the data', `{"inputs":[{"data":[1,2`, 'inside an array'],
    ['a control character in a string', '{"id":"a\nb"}', 'a string is malformed'],
    ['a lone surrogate', '{"id":"\\ud800"}', 'a string is malformed'],
    ['an id that is no string', { id: 1, inputs: [a, b] }, '" is expected'],
    ['a long id', { id: 'x'.repeat(257), inputs: [a, b] }, 'longer than 256'],
    ['an input without name', withA({ name: undefined }), 'needs name, datatype and shape'],
    ['an input without data', withA({ data: undefined }), 'either data or the parameter'],
    [
      'an input with data twice',
      withA({ parameters: { binary_data_size: 8 } }),
      'either data or the parameter',
    ],
    ['an unknown input', withA({ name: 'c' }), 'no input of this name; it has "a", "b"'],
    ['an input twice', { inputs: [a, a, b] }, 'stands before it'],
    ['a missing input', { inputs: [a] }, 'also needs "b"'],
    ['an unknown output', { inputs: [a, b], outputs: [{ name: 'x' }] }, 'it has "sum", "word"'],
    ['an output twice', { inputs: [a, b], outputs: [{ name: 'sum' }, { name: 'sum' }] }, 'named twice'],
    ['an unknown datatype', withA({ datatype: 'BF16' }), 'no datatype of this server; it has BOOL'],
    ['a datatype of the prototype', withA({ datatype: 'constructor' }), 'no datatype'],
    [
      'another datatype',
      withA({ datatype: 'FP64' }),
      'another datatype than the model takes: expected FP32, found FP64',
    ],
    [
      'another shape',
      withA({ shape: [3, 1] }),
      'another shape than the model takes: expected [2, -1], found [3, 1]',
    ],
    ['another rank', withA({ shape: [2] }), 'expected [2, -1], found [2]'],
    ['a negative dimension', withA({ shape: [2, -1] }), 'no counting number'],
    ['a broken dimension', withA({ shape: [2, 1.5] }), 'no counting number'],
    ['too many dimensions', withA({ shape: Array.from({ length: 17 }, () => 1) }), 'at most 16 dimensions'],
    ['a tensor beyond all bounds', withA({ shape: [2, 1e9] }), 'larger than a request may be'],
    [
      'dimensions whose product overflows',
      withA({ shape: [2, 999_999_999_999_999] }),
      'larger than a request may be',
    ],
    ['too few elements', withA({ data: [1] }), 'another number of elements than its shape says: expected 2'],
    ['too many elements', withA({ data: [1, 2, 3] }), 'expected 2'],
    ['another nesting', withA({ data: [[1, 2]] }), 'expected [2, 1], or one row'],
    ['a nesting that is too deep', withA({ data: [[[1]], [[2]]] }), 'expected [2, 1], or one row'],
    ['a ragged nesting', withA({ data: [[1], 2] }), 'expected [2, 1], or one row'],
    ['a number as a string', withA({ data: ['1', 2] }), 'an element is not one of FP32'],
    ['null as a number', withA({ data: [null, 2] }), 'an element is not one of FP32'],
    [
      'NaN',
      `{"inputs":[${A.replace('[1,2]', '[NaN,2]')},${B}]}`,
      'NaN and infinite values travel as binary data only',
    ],
    [
      'an infinite number',
      `{"inputs":[${A.replace('[1,2]', '[1e39,2]')},${B}]}`,
      'infinite values travel as binary data only',
    ],
    ['a number with a zero in front', `{"inputs":[${A.replace('[1,2]', '[01,2]')},${B}]}`, ''],
    ['a hexadecimal number', `{"inputs":[${A.replace('[1,2]', '[0x1,2]')},${B}]}`, ''],
    ['a fraction as an integer', { inputs: [a, { ...b, data: [1.5] }] }, 'INT64'],
    ['an exponent in an integer', `{"inputs":[${A},${B.replace('[1]', '[1e2]')}]}`, 'INT64'],
    ['an integer out of range', `{"inputs":[${A},${B.replace('[1]', '[9223372036854775808]')}]}`, 'INT64'],
    ['an integer of many digits', `{"inputs":[${A},${B.replace('[1]', `[${'9'.repeat(1e6)}]`)}]}`, 'INT64'],
    ['an unknown parameter', { inputs: [a, b], parameters: { priority: 1 } }, 'it has binary_data_output'],
    [
      'shared memory',
      withA({ data: undefined, parameters: { shared_memory_region: 'x' } }),
      'no such parameter',
    ],
    [
      'classification',
      { inputs: [a, b], outputs: [{ name: 'sum', parameters: { classification: 1 } }] },
      'no such parameter',
    ],
    [
      'a flag that is none',
      { inputs: [a, b], parameters: { binary_data_output: 1 } },
      'expected true or false',
    ],
    [
      'a parameter that is a list',
      { inputs: [a, b], parameters: { binary_data_output: [] } },
      'true or false',
    ],
    [
      'binary data without the header',
      withA({ data: undefined, parameters: { binary_data_size: 8 } }),
      'needs the header',
    ],
    [
      'a binary size that is none',
      withA({ data: undefined, parameters: { binary_data_size: -1 } }),
      'a number of bytes',
    ],
    ['too many inputs', { inputs: Array.from({ length: 129 }, () => a) }, 'at most 128 tensors'],
    [
      'a deep nest',
      `{"inputs":[{"name":"a","datatype":"FP32","shape":[2,1],"data":${'['.repeat(1e5)}${']'.repeat(1e5)}},${B}]}`,
      '',
    ],
    ['deep parameters', `{"parameters":{"binary_data_output":${'['.repeat(1e5)}`, ''],
  ])('%s', async (_, json, words) => {
    const { status, error, code } = await errorOf(await api(inferJson('pair', json)))
    expect([status, ['api_invalid', 'api_unsupported'].includes(code)]).toEqual([400, true])
    expect(error).toContain(words)
    expect(asked).toEqual([])
  })
})

describe('a body that is not as long as it says', () => {
  const data = new Uint8Array(8)
  const json = { inputs: [binaryInput('a', 'FP32', [2, 1], data), b] }
  it.each<[string, Request, number, string]>([
    ['less data', inferBinary('pair', json, [data.subarray(1)]), 400, 'shorter than'],
    ['more data', inferBinary('pair', json, [data, data]), 400, 'longer than'],
    ['a header beyond the body', inferBinary('pair', json, [data], '9999'), 400, 'shorter than'],
    ['a header inside the JSON', inferBinary('pair', json, [data], '10'), 400, 'JSON'],
    ['a header that is no number', inferBinary('pair', json, [data], '0x10'), 400, 'no length'],
    ['a header beyond all bounds', inferBinary('pair', json, [data], '9999999999'), 413, 'larger than'],
    [
      'another size than the shape',
      inferBinary('pair', { inputs: [binaryInput('a', 'FP32', [2, 2], data), b] }, [data]),
      400,
      'expected 16, found 8',
    ],
    [
      'bytes that are not UTF-8',
      new Request('https://inference.sotto/v2/models/pair/infer', {
        method: 'POST',
        body: Uint8Array.of(0x7b, 0xff),
      }),
      400,
      'not UTF-8',
    ],
    [
      'no body',
      new Request('https://inference.sotto/v2/models/pair/infer', { method: 'POST' }),
      400,
      '{ is expected',
    ],
    [
      'JSON beyond all bounds',
      inferJson('pair', ' '.repeat(8 * 2 ** 20 + 1)),
      413,
      'send large tensors as binary data',
    ],
  ])('%s', async (_, request, status, words) => {
    const found = await errorOf(await api(request))
    expect([found.status, found.error]).toEqual([status, expect.stringContaining(words)])
    expect(asked).toEqual([])
  })

  it('refuses what does not fit before the data comes', async () => {
    const head = Buffer.from(
      JSON.stringify({ inputs: [binaryInput('a', 'FP32', [3, 1], new Uint8Array(12)), b] }),
    )
    let isCancelled = false
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(head),
      cancel: () => void (isCancelled = true),
    })
    const request = new Request('https://inference.sotto/v2/models/pair/infer', {
      method: 'POST',
      headers: { 'inference-header-content-length': String(head.length) },
      body,
      duplex: 'half',
    } as RequestInit)
    expect((await errorOf(await api(request))).error).toContain('expected [2, -1], found [3, 1]')
    expect(isCancelled).toBe(true)
  })
})

describe('any request', () => {
  it('is answered with an error of the protocol, never with one of the program', async () => {
    const valid = JSON.stringify({
      id: 'x',
      parameters: { binary_data_output: true },
      inputs: [a, b],
      outputs: [{ name: 'sum' }],
    })
    await fc.assert(
      fc.asyncProperty(
        fc.nat(valid.length - 1),
        fc.string({ maxLength: 3, unit: 'binary' }),
        fc.nat(3),
        async (at, piece, cut) => {
          const json = valid.slice(0, at) + piece + valid.slice(at + cut)
          const response = await api(inferJson('pair', json.toWellFormed()))
          expect([200, 400]).toContain(response.status)
          if (response.status === 400)
            expect(typeof ((await response.json()) as { error: unknown }).error).toBe('string')
        },
      ),
      { numRuns: process.env['SLOW'] ? 20_000 : 150 },
    )
  })
})
