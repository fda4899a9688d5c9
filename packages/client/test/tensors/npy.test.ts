import { concat, utf8 } from '@sotto/protocol/bytes'
import {
  type Datatype,
  DATATYPES,
  elementBytes,
  joinByteElements,
  splitByteElements,
} from '@sotto/protocol/tensors'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseNpy, tensorFromNpy, tensorToNpy, writeNpy } from '../../src/tensors/index.ts'

/** A file of version 1.0 whose header is this text, padded or not as it stands. */
function npy(header: string, data: Uint8Array = new Uint8Array(0), major = 1): Uint8Array {
  const length =
    major === 1 ? [header.length & 255, header.length >> 8] : [header.length & 255, header.length >> 8, 0, 0]
  return concat(Uint8Array.of(0x93, ...utf8('NUMPY'), major, 0, ...length), utf8(header), data)
}
const plain = (descr: string, shape: string): string =>
  `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }\n`

describe('.npy files', () => {
  it('writes what NumPy writes', () => {
    const file = writeNpy({ datatype: 'FP32', shape: [1, 2], data: new Uint8Array(8) })
    // numpy.save(f, numpy.zeros((1, 2), '<f4')), byte by byte
    const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }".padEnd(117) + '\n'
    expect(file).toEqual(npy(header, new Uint8Array(8)))
    expect(file.length).toBe(128 + 8)
  })

  it.each([
    ['a scalar', plain('<f8', '()'), 8, [], 'FP64'],
    ['one dimension', plain('<i8', '(2,)'), 16, [2], 'INT64'],
    ['nothing', plain('|b1', '(0, 3)'), 0, [0, 3], 'BOOL'],
    ['a comma at the end', plain('<u2', '(1, 2,)'), 4, [1, 2], 'UINT16'],
  ])('reads %s', (_, header, bytes, shape, datatype) => {
    expect(parseNpy(npy(header, new Uint8Array(bytes)))).toEqual({
      datatype,
      shape,
      data: new Uint8Array(bytes),
    })
  })

  it('reads versions 2 and 3, big-endian numbers and text of both kinds', () => {
    expect(parseNpy(npy(plain('>u4', '(1,)'), Uint8Array.of(0, 0, 1, 2), 2)).data).toEqual(
      Uint8Array.of(2, 1, 0, 0),
    )
    const unicode = parseNpy(
      npy(plain('<U2', '(2,)'), new Uint8Array(Uint32Array.of(0xe9, 0, 0x1f600, 0x61).buffer), 3),
    )
    expect(splitByteElements(unicode.data, 2)!.map((word) => new TextDecoder().decode(word))).toEqual([
      'é',
      '😀a',
    ])
    const bytes = parseNpy(npy(plain('|S3', '(2,)'), utf8('ab\0\0\0\0')))
    expect(splitByteElements(bytes.data, 2)!.map((word) => word.length)).toEqual([2, 0])
  })

  it('any array comes back', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...DATATYPES.filter((name) => name !== 'BYTES')),
        fc.array(fc.nat(4), { maxLength: 4 }),
        fc.infiniteStream(fc.nat(255)),
        (datatype, shape, stream) => {
          const count = shape.reduce((product, size) => product * size, 1)
          const random = stream[Symbol.iterator]()
          const bytes = Uint8Array.from(
            { length: count * elementBytes(datatype)! },
            () => random.next().value as number,
          )
          const data = datatype === 'BOOL' ? bytes.map((byte) => byte & 1) : bytes
          expect(parseNpy(writeNpy({ datatype, shape, data }))).toEqual({ datatype, shape, data })
        },
      ),
    )
  })

  it('text comes back, and tensors do', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme' }).filter((text) => !text.endsWith('\0'))),
        (words) => {
          const data = joinByteElements(words.map((word) => utf8(word)))
          expect(parseNpy(writeNpy({ datatype: 'BYTES', shape: [words.length], data })).data).toEqual(data)
        },
      ),
    )
    const tensor = { datatype: 'FP16' as Datatype, shape: [2], data: Float32Array.of(1.5, -2) }
    expect(tensorFromNpy(tensorToNpy(tensor))).toEqual(tensor)
  })

  it.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array(0)],
    ['another magic', utf8('PK not an array of NumPy')],
    ['version 4', npy(plain('<f4', '(1,)'), new Uint8Array(4), 4)],
    ['a cut header', npy(plain('<f4', '(1,)'), new Uint8Array(4)).subarray(0, 40)],
    [
      'a header longer than the file',
      concat(Uint8Array.of(0x93, ...utf8('NUMPY'), 2, 0, 255, 255, 255, 127)),
    ],
    ['less data', npy(plain('<f4', '(2,)'), new Uint8Array(7))],
    ['more data', npy(plain('<f4', '(2,)'), new Uint8Array(9))],
    ['pickled objects', npy(plain('|O', '(1,)'), new Uint8Array(8))],
    [
      'a record',
      npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }\n", new Uint8Array(4)),
    ],
    ['Fortran order', npy("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1), }\n", new Uint8Array(4))],
    [
      'Python to evaluate',
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (__import__('os'),), }\n", new Uint8Array(4)),
    ],
    ['a negative size', npy(plain('<f4', '(-1,)'))],
    ['dimensions that overflow', npy(plain('<f4', '(999999999999999, 999999999999999)'))],
    ['complex numbers', npy(plain('<c8', '(1,)'), new Uint8Array(8))],
    ['a width that is none', npy(plain('<f3', '(1,)'), new Uint8Array(3))],
    ['a byte order where there is none', npy(plain('<b1', '(1,)'), new Uint8Array(1))],
    ['no byte order where there is one', npy(plain('|f4', '(1,)'), new Uint8Array(4))],
    ['a truth value of two', npy(plain('|b1', '(1,)'), Uint8Array.of(2))],
    ['a surrogate as a character', npy(plain('<U1', '(1,)'), Uint8Array.of(0, 0xd8, 0, 0))],
    ['a character beyond Unicode', npy(plain('<U1', '(1,)'), Uint8Array.of(0, 0, 0x11, 0))],
    [
      '17 dimensions',
      npy(plain('|u1', `(${Array.from({ length: 17 }, () => 1).join(', ')})`), new Uint8Array(1)),
    ],
  ])('refuses %s', (_, file) => {
    expect(() => parseNpy(file)).toThrow(expect.objectContaining({ code: 'NPY_MALFORMED' }))
  })

  it('copies what it reads, from a Buffer too, which is left as it was', () => {
    const file = Buffer.from(npy(plain('>u2', '(1,)'), Uint8Array.of(1, 2)))
    const before = Buffer.from(file)
    expect(tensorFromNpy(file).data).toEqual(Uint16Array.of(258))
    expect(file).toEqual(before)
    const same = Buffer.from(npy(plain('<u2', '(1,)'), Uint8Array.of(1, 2)))
    const { data } = tensorFromNpy(same)
    same.fill(0)
    expect(data).toEqual(Uint16Array.of(513))
  })

  it('says which character is none', () => {
    const lone = npy(plain('<U1', '(1,)'), Uint8Array.of(0, 0xd8, 0, 0))
    expect(() => parseNpy(lone)).toThrow('a character is none of Unicode')
  })

  it('any bytes are an array or NPY_MALFORMED', () => {
    const valid = writeNpy({ datatype: 'INT16', shape: [2, 3], data: new Uint8Array(12) })
    fc.assert(
      fc.property(fc.nat(valid.length - 1), fc.nat(255), fc.nat(valid.length), (at, byte, cut) => {
        const file = valid.slice(0, cut < 8 ? valid.length : cut)
        file[at] = byte
        try {
          parseNpy(file)
        } catch (error) {
          expect(error).toMatchObject({ code: 'NPY_MALFORMED' })
        }
      }),
      { numRuns: process.env['SLOW'] ? 20_000 : 500 },
    )
  })
})
