import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { inflateRawSync } from 'node:zlib'
import { type Datatype, elementBytes, fromHalf } from '@sotto/protocol/tensors'
import { readFields } from '../../../src/engines/onnx/protobuf.ts'
import type { Tensor } from '../../../src/engines/types.ts'

const root = resolve(import.meta.dirname, '../../../../..')
const folder = resolve(root, process.env['SOTTO_TESTDATA'] ?? '../shared/testdata', 'onnx')

/** What a model of the test data answered to a pseudo-random input. */
export interface Expected {
  inputs: Record<string, { type: string; shape: number[] }>
  outputs: Record<string, { shape: number[]; first8: number[]; sum: number; argmax: number }>
}

export const recordedModels = (): string[] =>
  list(folder, '.expected.json').map((name) => name.replace('.expected.json', ''))
export const conformanceNodes = (): string[] => list(join(folder, 'node'), '')
export const bytesOf = (name: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(readFileSync(join(folder, name)))
export const expectedOf = (name: string): Expected =>
  JSON.parse(readFileSync(join(folder, `${name}.expected.json`), 'utf8')) as Expected

/** The inputs that the rule in `*.expected.json` says. Of bytes it says nothing: 4 is what was recorded with. */
export function inputsOf(expected: Expected): Tensor[] {
  return Object.entries(expected.inputs).map(([name, { type, shape }]) => {
    const count = shape.reduce((product, size) => product * size, 1)
    if (type === 'tensor(int64)') {
      const data = new Uint8Array(new BigInt64Array(count).fill(name === 'sr' ? 16_000n : 1n).buffer)
      return { name, datatype: 'INT64', shape, data }
    }
    if (type === 'tensor(uint8)')
      return { name, datatype: 'UINT8', shape, data: new Uint8Array(count).fill(4) }
    let state = 1n
    const values = Float32Array.from({ length: count }, () => {
      state = (1_103_515_245n * state + 12_345n) % 2n ** 31n
      return (2 * Number(state)) / 2 ** 31 - 1
    })
    return { name, datatype: 'FP32', shape, data: new Uint8Array(values.buffer) }
  })
}

const TYPES: Record<number, Datatype> = {
  1: 'FP32',
  2: 'UINT8',
  3: 'INT8',
  6: 'INT32',
  7: 'INT64',
  9: 'BOOL',
  10: 'FP16',
  11: 'FP64',
}

/** A TensorProto with raw data, as the conformance suite has them. */
export function readTensorProto(path: string, name: string): Tensor {
  const shape: number[] = []
  let datatype: Datatype | undefined
  let data: Uint8Array | undefined
  for (const { number, value, bytes } of readFields(bytesOf(path))) {
    if (number === 1) shape.push(...(bytes ? bytes : [Number(value)]))
    if (number === 2) datatype = TYPES[Number(value)]
    if (number === 9) data = bytes!.slice()
  }
  if (!datatype || !data) throw new Error(`${path} is no plain tensor`)
  return { name, datatype, shape, data }
}

/** Arrays of an .npz by name: a ZIP of .npy. */
export function readNpz(name: string): Tensor[] {
  const zip = Buffer.from(bytesOf(name))
  const tensors: Tensor[] = []
  // The central directory, found from its end record.
  let at = zip.readUInt32LE(zip.lastIndexOf('PK\u0005\u0006', undefined, 'latin1') + 16)
  while (zip.readUInt32LE(at) === 0x02014b50) {
    const [method, packed] = [zip.readUInt16LE(at + 10), zip.readUInt32LE(at + 20)]
    const nameLength = zip.readUInt16LE(at + 28)
    const local = zip.readUInt32LE(at + 42)
    const file = zip.toString('latin1', at + 46, at + 46 + nameLength)
    const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28)
    const content = zip.subarray(start, start + packed)
    tensors.push(readNpy(file.replace('.npy', ''), method === 8 ? inflateRawSync(content) : content))
    at += 46 + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32)
  }
  return tensors
}

function readNpy(name: string, npy: Buffer): Tensor {
  const length = npy.readUInt16LE(8)
  const header = npy.toString('latin1', 10, 10 + length)
  const datatype = header.includes("'|u1'") ? 'UINT8' : 'FP32'
  const shape = /\(([^)]*)\)/.exec(header)![1]!.split(',').map(Number)
  const sizes = shape.at(-1) === 0 ? shape.slice(0, -1) : shape
  return { name, datatype, shape: sizes, data: new Uint8Array(npy.subarray(10 + length)) }
}

/** Elements of raw data as numbers. */
export function numbersOf(datatype: Datatype, data: Uint8Array): number[] {
  const view = new DataView(Uint8Array.from(data).buffer)
  const width = elementBytes(datatype)!
  const read: Partial<Record<Datatype, (at: number) => number>> = {
    FP32: (at) => view.getFloat32(at, true),
    FP64: (at) => view.getFloat64(at, true),
    FP16: (at) => fromHalf(view.getUint16(at, true)),
    INT64: (at) => Number(view.getBigInt64(at, true)),
    INT32: (at) => view.getInt32(at, true),
  }
  const element = read[datatype] ?? ((at: number) => view.getUint8(at))
  return Array.from({ length: data.length / width }, (_, i) => element(i * width))
}

function list(path: string, end: string): string[] {
  try {
    return readdirSync(path).filter((name) => name.endsWith(end))
  } catch {
    return []
  }
}
