import { fromUtf8 } from '@sotto/protocol/bytes'
import { ApiError } from '../openai/errors.ts'
import type { Tensor } from '../../engines/types.ts'
import type { ByteBudget } from '../../ram/byte-budget.ts'
import { BodyReader } from './body-reader.ts'
import { invalid } from './errors.ts'
import { type InferHead, parseInferHead } from './infer-head.ts'
import { malformed } from './json-reader.ts'
import { MAX_BINARY_BYTES, MAX_JSON_BYTES } from './limits.ts'
import { readJsonData } from './read-json-data.ts'
import { checkSignature, type Signature } from './signature.ts'

/** Bytes of JSON before the binary data (binary tensor data extension). */
export const HEADER_LENGTH = 'inference-header-content-length'

/** An inference request, whole and checked. */
export interface InferCall {
  readonly head: InferHead
  readonly inputs: readonly Tensor[]
  /** Gives the memory back; call once the engine has answered. */
  release(): void
}

/**
 * Reads an inference request against the model it is for: JSON alone, or JSON and the binary data that it announces.
 * What does not fit is refused as soon as the JSON is read. All memory is taken from `budget` before it is allocated, and
 * it is allocated as the bytes for it come.
 *
 * @throws `API_INVALID`, `API_UNSUPPORTED`, `API_TOO_LARGE`, `API_BUSY`
 */
export async function readInfer(
  request: Request,
  signature: Signature,
  budget: ByteBudget,
): Promise<InferCall> {
  const length = headerLength(request.headers)
  const body = new BodyReader(request.body)
  const releases: (() => void)[] = []
  const release = (): void => releases.splice(0).forEach((giveBack) => giveBack())
  const hold = (bytes: number): void => void releases.push(budget.take(bytes))
  try {
    const text = textOf(
      length === undefined ? await body.rest(MAX_JSON_BYTES, hold) : await body.exactly(length, hold),
    )
    const head = parseInferHead(text)
    const counts = checkSignature(head, signature)
    const total = head.inputs.reduce((sum, { data }) => sum + ('bytes' in data ? data.bytes : 0), 0)
    if (total > MAX_BINARY_BYTES)
      throw new ApiError('API_TOO_LARGE', `the binary data is larger than ${MAX_BINARY_BYTES} bytes`)
    if (length === undefined && head.inputs.some(({ data }) => 'bytes' in data))
      throw invalid('inputs', `binary data needs the header ${HEADER_LENGTH}`)
    const inputs: Tensor[] = []
    for (const [index, { name, datatype, shape, data }] of head.inputs.entries()) {
      const field = `inputs[${index}].data`
      const bytes =
        'bytes' in data
          ? await body.exactly(data.bytes, hold)
          : readJsonData(text, data.span, { datatype, shape, count: counts[index]! }, field, hold)
      inputs.push({ name, datatype, shape, data: bytes })
    }
    await body.end()
    return { head, inputs, release }
  } catch (error) {
    release()
    await body.cancel()
    throw error
  }
}

/** Undefined when the body is JSON alone. */
function headerLength(headers: Headers): number | undefined {
  const value = headers.get(HEADER_LENGTH)
  if (value === null) return undefined
  if (!/^\d{1,10}$/.test(value)) throw invalid(HEADER_LENGTH, 'no length')
  const length = Number(value)
  if (length > MAX_JSON_BYTES)
    throw new ApiError('API_TOO_LARGE', `the JSON of the request is larger than ${MAX_JSON_BYTES} bytes`)
  return length
}

function textOf(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes)
  } catch {
    throw malformed('it is not UTF-8')
  }
}
