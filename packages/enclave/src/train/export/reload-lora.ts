import { equalBytes } from '@sotto/protocol/bytes'
import type { LoraAdapter } from '@sotto/protocol/gguf'
import { roomTrainError } from '../errors.ts'

/** A format of adapters. */
export interface AdapterFormat {
  write(adapter: LoraAdapter): Uint8Array
  read(bytes: Uint8Array): LoraAdapter
}

/**
 * Bytes of a trained adapter. They are given out only after they were read again: each matrix is, to the bit, the one in
 * memory, beside the same module, and alpha is the same float.
 *
 * @throws `ROOM_TRAIN_RELOAD`
 */
export function writeAdapter(adapter: LoraAdapter, { write, read }: AdapterFormat): Uint8Array {
  const bytes = write(adapter)
  let found: LoraAdapter
  try {
    found = read(bytes)
  } catch (cause) {
    throw roomTrainError('ROOM_TRAIN_RELOAD', 'the adapter that was written cannot be read', { cause })
  }
  const byModule = new Map(found.branches.map((branch) => [branch.module, branch]))
  const isSame =
    found.architecture === adapter.architecture &&
    Math.fround(found.alpha) === Math.fround(adapter.alpha) &&
    found.branches.length === adapter.branches.length &&
    adapter.branches.every(({ module, rank, inputs, outputs, down, up }) => {
      const other = byModule.get(module)
      return (
        other?.rank === rank &&
        other.inputs === inputs &&
        other.outputs === outputs &&
        isSameBits(other.down, down) &&
        isSameBits(other.up, up)
      )
    })
  if (!isSame)
    throw roomTrainError('ROOM_TRAIN_RELOAD', 'the adapter that was written is not the one that was trained')
  return bytes
}

function isSameBits(a: Float32Array, b: Float32Array): boolean {
  return equalBytes(bytesOf(a), bytesOf(b))
}

/** A view of the bits of floats. */
export function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}
