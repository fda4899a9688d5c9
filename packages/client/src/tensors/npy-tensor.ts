import { clientError } from '../errors.ts'
import { fromRaw } from './from-raw.ts'
import { parseNpy, writeNpy } from './npy.ts'
import { toRaw } from './to-raw.ts'
import type { TensorOutput } from './types.ts'

/** A tensor from the bytes of a .npy file, to give to a model. @throws `NPY_MALFORMED` */
export function tensorFromNpy(file: Uint8Array): TensorOutput {
  const { datatype, shape, data } = parseNpy(file)
  const tensor = fromRaw(datatype, shape, data)
  if (tensor === undefined) throw clientError('NPY_MALFORMED', 'the file and its header disagree')
  return tensor
}

/** The bytes of a .npy file with a tensor that a model gave. @throws `NPY_MALFORMED` for BYTES that are no text */
export function tensorToNpy(tensor: TensorOutput): Uint8Array {
  return writeNpy(toRaw('npy', tensor))
}
