import { describe, expect, it } from 'vitest'
import { tensorToNpy } from '@sotto/client/tensors'
import {
  jsonElements,
  parseInputFlag,
  showOutput,
  tensorOfFile,
  tensorOfJson,
} from '../../src/tensors/index.ts'

const port = (datatype: 'FP32' | 'INT64' | 'BYTES') => ({ name: 'x', datatype, shape: [-1] }) as const

describe('--input', () => {
  it('takes a file or JSON', () => {
    expect(parseInputFlag('x=@a=b.npy')).toEqual({ name: 'x', value: { file: 'a=b.npy' } })
    expect(parseInputFlag('x=[1,2]')).toEqual({ name: 'x', value: { json: '[1,2]' } })
    for (const flag of ['x', '=1', 'x='])
      expect(() => parseInputFlag(flag)).toThrow(expect.objectContaining({ code: 'CLI_USAGE' }))
  })

  it.each([
    ['[[1, 2], [3, 4]]', 'FP32', [2, 2], [1, 2, 3, 4]],
    ['7', 'INT64', [], [7]],
    ['"word"', 'BYTES', [], ['word']],
    ['[9007199254740993, -9223372036854775808]', 'INT64', [2], [9007199254740993n, -9223372036854775808n]],
    ['{"shape": [2, 1], "data": [1, 2]}', 'FP32', [2, 1], [1, 2]],
    ['[]', 'FP32', [0], []],
  ] as const)('%s is a tensor', (json, datatype, shape, data) => {
    expect(tensorOfJson(json, port(datatype), 'x')).toEqual({ datatype, shape, data })
  })

  it('says its datatype itself, or is of the model', () => {
    expect(tensorOfJson('{"datatype": "INT8", "data": [1]}', port('FP32'), 'x')).toMatchObject({
      datatype: 'INT8',
    })
    expect(() => tensorOfJson('[1]', undefined, 'x')).toThrow(expect.objectContaining({ code: 'CLI_FILE' }))
  })

  it.each([
    '[1, [2]]',
    '[[1], [2, 3]]',
    '{"data": [1], "extra": 1}',
    '{"data": [1], "shape": [-1]}',
    '[1',
    `${'['.repeat(17)}${']'.repeat(17)}`,
  ])('%s is none', (json) => {
    expect(() => tensorOfJson(json, port('FP32'), 'x')).toThrow(expect.objectContaining({ code: 'CLI_FILE' }))
  })

  it('is read from NumPy files and from JSON files', () => {
    const tensor = { datatype: 'INT64', shape: [1, 2], data: BigInt64Array.of(1n, 2n) } as const
    expect(tensorOfFile(tensorToNpy(tensor), port('FP32'), 'x')).toEqual(tensor)
    expect(tensorOfFile(Buffer.from(' [1] '), port('FP32'), 'x')).toEqual({
      datatype: 'FP32',
      shape: [1],
      data: [1],
    })
    expect(() => tensorOfFile(Buffer.from([0xff, 0xfe]), port('FP32'), 'x')).toThrow(
      expect.objectContaining({ code: 'CLI_FILE' }),
    )
  })
})

describe('outputs', () => {
  it('are shown by their first values', () => {
    const many = { datatype: 'FP32', shape: [9], data: Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8) } as const
    expect(showOutput('y', many)).toBe('y  FP32 [9]  0, 1, 2, 3, 4, 5, 6, 7, …')
    const words = { datatype: 'BYTES', shape: [2], data: [Buffer.from('a\n'), Uint8Array.of(0xff)] } as const
    expect(showOutput('w', words)).toBe('w  BYTES [2]  "a\\n", {"base64url":"_w"}')
  })

  it('have a form in JSON, whatever they hold', () => {
    const of = (datatype: string, data: unknown): unknown =>
      JSON.parse(JSON.stringify(jsonElements({ datatype, shape: [], data } as never)))
    expect(of('INT64', BigInt64Array.of(2n ** 53n + 1n))).toEqual(['9007199254740993'])
    expect(of('FP64', Float64Array.of(Number.NaN, -Infinity, 0.5))).toEqual(['NaN', '-Infinity', 0.5])
    expect(of('BOOL', Uint8Array.of(1, 0))).toEqual([true, false])
  })
})
