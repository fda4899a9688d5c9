import type { SavedReceipt } from '@sotto/protocol/receipts'
import type { Datatype } from '@sotto/protocol/tensors'

/** Arrays whose class says a datatype. */
export type TensorArray =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Float64Array

/** Elements one by one. Integers beyond 2^53 are bigints; texts travel as UTF-8. */
export type TensorElements = readonly (number | bigint | boolean | string | Uint8Array)[]

/**
 * An input. A bare array is a tensor of one dimension. `datatype` may be left out where the class of the array says
 * it. FP16 takes numbers, a `Float32Array`, or bit patterns in a `Uint16Array`; BOOL takes truth values, or a
 * `Uint8Array` of 0 and 1.
 */
export type TensorInput =
  | TensorArray
  | {
      readonly data: TensorArray | TensorElements
      /** Row-major. Default: one dimension. */
      readonly shape?: readonly number[]
      readonly datatype?: Datatype
    }

/** An output. */
export interface TensorOutput {
  readonly datatype: Datatype
  readonly shape: readonly number[]
  /**
   * Row-major. BOOL is a `Uint8Array` of 0 and 1, FP16 a `Float32Array` with the same values, BYTES a list of byte
   * strings ({@link textsOf} reads them as text).
   */
  readonly data: TensorArray | readonly Uint8Array[]
}

/** Options of {@link SottoTensors.run}. */
export interface RunOptions {
  /** Outputs wanted. @default all of the model */
  readonly outputs?: readonly string[]
  /** Digest of the model that must answer. @default whatever is served under the id */
  readonly version?: string
  readonly signal?: AbortSignal
}

/** What a model answered. */
export interface RunResult {
  /** By name. */
  readonly outputs: Readonly<Record<string, TensorOutput>>
  /** Id of the model that answered. */
  readonly model: string
  /** Digest of its manifest: its version. */
  readonly version: string
  /** The verified receipt; undefined when the answer carried none, or its certificate could not be had now. */
  readonly receipt: SavedReceipt | undefined
  /**
   * Request, answer and receipt in one file that anybody with the policy verifies offline, years later:
   * `sotto receipt verify FILE`. It holds the tensors in clear.
   * @throws `RECEIPT_MISSING`, `RECEIPT_UNPROVEN`
   */
  save(): Uint8Array
}

/** What a model takes and gives; `-1` is a free dimension. */
export interface ModelSignature {
  readonly model: string
  readonly version: string
  readonly inputs: readonly TensorPort[]
  readonly outputs: readonly TensorPort[]
}

/** One input or output of a model. */
export interface TensorPort {
  readonly name: string
  readonly datatype: Datatype
  readonly shape: readonly number[]
}

/** Any ONNX model by tensor, inside the encryption. */
export interface SottoTensors {
  /**
   * Runs a model. Tensors travel as they lie in memory, nothing is rounded.
   *
   * @throws `REQUEST_INVALID` an input that is no tensor; `INFERENCE_REFUSED` the service does not take it;
   * `INFERENCE_FAILED` it could not answer; `RESPONSE_INVALID`, `RECEIPT_INVALID`, and what `fetch` throws
   *
   * @example
   * const { outputs } = await sotto.tensors.run('owner/model', { x: { data: samples, shape: [1, 16000] } })
   */
  run(id: string, inputs: Readonly<Record<string, TensorInput>>, options?: RunOptions): Promise<RunResult>
  /** What a model takes and gives. @throws as {@link run} */
  describe(id: string, options?: Pick<RunOptions, 'version' | 'signal'>): Promise<ModelSignature>
}
