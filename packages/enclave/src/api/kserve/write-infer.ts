import { setImmediate } from 'node:timers/promises'
import { utf8 } from '@sotto/protocol/bytes'
import { isWholeTensor } from '@sotto/protocol/tensors'
import { engineError } from '../../engines/errors.ts'
import type { Tensor } from '../../engines/types.ts'
import { unsupported } from '../openai/errors.ts'
import type { InferHead } from './infer-head.ts'
import { HEADER_LENGTH } from './read-infer.ts'
import { fitsJson, writeJsonData } from './write-json-data.ts'

/** Who answered. */
export interface Answerer {
  readonly id: string
  readonly version: string
}

/** Bytes of one piece of an answer at most, and characters of JSON gathered for one. */
const PIECE_BYTES = 256 * 1024

/**
 * The answer to an inference request as a stream: JSON, then the data of the outputs that travel as such. An engine
 * process is not trusted to answer what was asked, so that is looked at first.
 *
 * @param release called once, when nobody reads the answer any more
 * @throws `ENGINE_PROTOCOL`; `API_UNSUPPORTED` for an output that has no form in JSON
 */
export async function inferResponse(
  head: InferHead,
  answerer: Answerer,
  wanted: readonly string[],
  outputs: readonly Tensor[],
  release: () => void,
): Promise<Response> {
  checkAnswer(wanted, outputs)
  const isBinary = (index: number): boolean => head.outputs?.[index]?.binary ?? head.binaryOutputs
  for (const [index, output] of outputs.entries()) {
    if (!isBinary(index) && !fitsJson(output))
      throw unsupported(
        'outputs',
        `the output ${JSON.stringify(output.name)} holds infinite values, NaN, or bytes that are no text, which JSON cannot; ask for it with binary_data`,
      )
  }
  const text = (): Generator<string> => jsonText(head, answerer, outputs, isBinary)
  if (!outputs.some((_, index) => isBinary(index)))
    return new Response(streamOf(pieces(text()), release), {
      headers: { 'content-type': 'application/json' },
    })
  // Written twice rather than held: first for its length, which stands before it.
  let length = 0
  for await (const piece of pieces(text())) length += piece.length
  async function* all(): AsyncGenerator<Uint8Array> {
    yield* pieces(text())
    for (const [index, { data }] of outputs.entries())
      if (isBinary(index))
        for (let at = 0; at < data.length; at += PIECE_BYTES) yield data.subarray(at, at + PIECE_BYTES)
  }
  return new Response(streamOf(all(), release), {
    headers: { 'content-type': 'application/octet-stream', [HEADER_LENGTH]: String(length) },
  })
}

function* jsonText(
  { id }: InferHead,
  answerer: Answerer,
  outputs: readonly Tensor[],
  isBinary: (index: number) => boolean,
): Generator<string> {
  const about = { model_name: answerer.id, model_version: answerer.version, ...(id !== undefined && { id }) }
  yield `${JSON.stringify(about).slice(0, -1)},"outputs":[`
  for (const [index, output] of outputs.entries()) {
    const { name, datatype, shape, data } = output
    yield `${index === 0 ? '' : ','}${JSON.stringify({ name, datatype, shape }).slice(0, -1)},`
    if (isBinary(index)) yield `"parameters":{"binary_data_size":${data.length}}`
    else {
      yield '"data":'
      yield* writeJsonData(output)
    }
    yield '}'
  }
  yield ']}'
}

async function* pieces(text: Iterable<string>): AsyncGenerator<Uint8Array> {
  let gathered = ''
  for (const part of text) {
    gathered += part
    if (gathered.length < PIECE_BYTES) continue
    yield utf8(gathered)
    gathered = ''
    // Millions of numbers take seconds to write, and others are served meanwhile.
    await setImmediate()
  }
  yield utf8(gathered)
}

function checkAnswer(wanted: readonly string[], outputs: readonly Tensor[]): void {
  const isAsked = outputs.length === wanted.length && outputs.every(({ name }, i) => name === wanted[i])
  if (!isAsked || !outputs.every(isWholeTensor))
    throw engineError('ENGINE_PROTOCOL', 'the engine answered with other tensors than it was asked for')
}

function streamOf(source: AsyncGenerator<Uint8Array>, release: () => void): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await source.next()
        if (done) {
          release()
          controller.close()
        } else if (value.length > 0) controller.enqueue(value)
      },
      async cancel() {
        release()
        await source.return(undefined)
      },
    },
    { highWaterMark: 0 },
  )
}
