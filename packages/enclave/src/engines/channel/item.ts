import { ByteReader, concat, fromUtf8, uint, utf8 } from '@sotto/protocol/bytes'
import { engineError } from '../errors.ts'
import { MAX_FRAME_PAYLOAD } from './frame.ts'

/** What streams carry: a JSON value and byte strings (audio, vectors, tensors) beside it. */
export interface Item {
  readonly json: unknown
  readonly blobs: readonly Uint8Array[]
}

/** Blobs in one item at most; an inference with more tensors than that is refused before it gets here. */
export const MAX_BLOBS = 256
/** Bytes of one item at most, unless the host was told otherwise: 64 MiB. */
export const DEFAULT_MAX_ITEM_BYTES: number = 64 * 1024 * 1024

/** `u32 JSON length | u16 blobs | u32 length of each | JSON | blobs`, cut into frame payloads. */
export function* encodeItem(item: Item): Generator<Uint8Array> {
  if (item.blobs.length > MAX_BLOBS) throw new RangeError('too many blobs')
  const json = utf8(JSON.stringify(item.json))
  const lengths = item.blobs.map((blob) => uint(blob.length, 4))
  const head = concat(uint(json.length, 4), uint(item.blobs.length, 2), ...lengths, json)
  // Small items (a token, a block of audio) go out as one piece; big blobs are sliced without copying.
  const total = item.blobs.reduce((sum, blob) => sum + blob.length, head.length)
  if (total <= MAX_FRAME_PAYLOAD) {
    yield concat(head, ...item.blobs)
    return
  }
  for (const part of [head, ...item.blobs]) {
    for (let at = 0; at < part.length; at += MAX_FRAME_PAYLOAD)
      yield part.subarray(at, at + MAX_FRAME_PAYLOAD)
  }
}

/** Parses the concatenated payloads of one item. @throws `ENGINE_PROTOCOL` */
export function decodeItem(bytes: Uint8Array): Item {
  try {
    const reader = new ByteReader(bytes)
    const jsonLength = reader.uint(4)
    const count = reader.uint(2)
    if (count > MAX_BLOBS) throw new RangeError('too many blobs')
    const lengths = Array.from({ length: count }, () => reader.uint(4))
    const json: unknown = JSON.parse(fromUtf8(reader.take(jsonLength)))
    const blobs = lengths.map((length) => reader.take(length))
    reader.end()
    return { json, blobs }
  } catch (cause) {
    throw engineError('ENGINE_PROTOCOL', 'item is malformed', { cause })
  }
}

/** Bytes of float32 samples, without copying. */
export function floatBytes(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}

/** Float32 values of bytes; copies, because a slice of a frame need not be aligned. @throws `ENGINE_PROTOCOL` */
export function bytesToFloats(bytes: Uint8Array): Float32Array {
  if (bytes.length % 4 !== 0) throw engineError('ENGINE_PROTOCOL', 'float data is cut')
  return new Float32Array(bytes.slice().buffer)
}
