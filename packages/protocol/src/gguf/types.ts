/** Types of one value in metadata, each at its number in the file (`gguf_metadata_value_type`); 9 is a list. */
export const SCALAR_TYPES = [
  'uint8',
  'int8',
  'uint16',
  'int16',
  'uint32',
  'int32',
  'float32',
  'bool',
  'string',
  undefined,
  'uint64',
  'int64',
  'float64',
] as const
export type GgufScalarType = Exclude<(typeof SCALAR_TYPES)[number], undefined>

/** A value of metadata. */
export type GgufValue =
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'uint64' | 'int64'; readonly value: bigint }
  | {
      readonly type: Exclude<GgufScalarType, 'string' | 'bool' | 'uint64' | 'int64'>
      readonly value: number
    }
  | {
      readonly type: 'list'
      readonly of: GgufScalarType
      readonly count: number
      /** Its items as they stand in the file: a vocabulary is kept so, and never becomes a text for each word. */
      readonly items: Uint8Array
    }

/** Types of numbers in tensors that are read and written here. */
export type GgufTensorType = 'f32' | 'f16' | 'bf16' | 'q8_0' | 'q4_0'

/** A tensor. */
export interface GgufTensor {
  readonly name: string
  readonly type: GgufTensorType
  /** Row-major, the dimension that lies together last: the file has them the other way round. 0 to 4. */
  readonly dims: readonly number[]
  /** Its bytes; of a file that was read, a view of it. */
  readonly data: Uint8Array
}

/** What a file holds. */
export interface GgufFile {
  /** By key, in the order of the file. */
  readonly metadata: ReadonlyMap<string, GgufValue>
  readonly tensors: readonly GgufTensor[]
}
