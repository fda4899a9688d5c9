import { bytesToFloats, type ChannelStream, floatBytes, type Item } from '../channel/index.ts'
import { decodeAudioHere } from '../../audio/decode-here.ts'
import { engineError } from '../errors.ts'
import { isEncodedAudio } from '../encoded-audio.ts'
import type {
  EmbedRequest,
  Engine,
  EngineOperation,
  GenerateRequest,
  InferRequest,
  SummarizeRequest,
  Tensor,
  TensorInfo,
  TranscribeParams,
} from '../types.ts'
import { failureOf } from './failure.ts'

/** A tenth of a second: what is spoken now must not wait for a second of it. */
const LIVE_BLOCK_SAMPLES = 1600

let engine: Engine | undefined

/** Sets the engine that calls go to. */
export function setEngine(loaded: Engine): void {
  engine = loaded
}

/** Answers one call. The host has validated nothing but sizes: engines check the parameters they use. */
export function serve(stream: ChannelStream): void {
  void answer(stream).catch((error: unknown) => {
    const { code, message } = failureOf(error, 'ENGINE_FAILED')
    stream.fail(stream.cancelled.aborted ? 'ENGINE_CANCELLED' : code, message)
  })
}

async function answer(stream: ChannelStream): Promise<void> {
  const request = await stream.next()
  if (!engine || !request) throw engineError('ENGINE_PROTOCOL', 'call without a model or a request')
  for await (const item of perform(engine, stream.operation as EngineOperation, request, stream))
    await stream.send(item)
  stream.end()
}

async function* perform(
  loaded: Engine,
  operation: EngineOperation,
  request: Item,
  stream: ChannelStream,
): AsyncGenerator<Item, void> {
  const signal = stream.cancelled
  switch (operation) {
    case 'transcribe':
      for await (const event of offered(loaded.transcribe, loaded)(
        audio(stream),
        request.json as TranscribeParams,
        signal,
      ))
        yield json(event)
      return
    case 'generate':
      for await (const event of offered(loaded.generate, loaded)(request.json as GenerateRequest, signal))
        yield json(event)
      return
    case 'summarize':
      for await (const event of offered(loaded.summarize, loaded)(request.json as SummarizeRequest, signal))
        yield json(event)
      return
    case 'embed': {
      const { vectors, usage } = await offered(loaded.embed, loaded)(request.json as EmbedRequest, signal)
      const dimensions = vectors[0]?.length ?? 0
      const values = new Float32Array(dimensions * vectors.length)
      for (const [index, vector] of vectors.entries()) values.set(vector, index * dimensions)
      yield { json: { dimensions, usage }, blobs: [floatBytes(values)] }
      return
    }
    case 'infer': {
      const results = await offered(loaded.infer, loaded)(inferRequest(request), signal)
      const outputs = results.map(({ name, datatype, shape }) => ({ name, datatype, shape }))
      yield { json: { outputs }, blobs: results.map((tensor) => tensor.data) }
      return
    }
    case 'tokenize':
      yield json({ tokens: await offered(loaded.tokenize, loaded)((request.json as { text: string }).text) })
      return
    case 'score':
      yield json({
        scores: await offered(loaded.score, loaded)(
          (request.json as { text: string | readonly number[] }).text,
          signal,
        ),
      })
  }
}

/** The recording as samples. What came as a file is decoded here: a decoder that hangs dies with this process. */
async function* audio(stream: ChannelStream): AsyncGenerator<Float32Array, void> {
  const first = await stream.next()
  if (!first) return
  if (isEncodedAudio(first)) yield* decodeAudioHere(blobs(first, stream), {}, LIVE_BLOCK_SAMPLES)
  else for await (const bytes of blobs(first, stream)) yield bytesToFloats(bytes)
}

async function* blobs(first: Item, stream: ChannelStream): AsyncGenerator<Uint8Array, void> {
  for (let item: Item | undefined = first; item; item = await stream.next())
    yield item.blobs[0] ?? new Uint8Array(0)
}

function inferRequest(item: Item): InferRequest {
  const { inputs, outputs } = item.json as { inputs: TensorInfo[]; outputs?: string[] }
  const tensors: Tensor[] = inputs.map((info, index) => ({
    ...info,
    data: item.blobs[index] ?? new Uint8Array(0),
  }))
  return outputs === undefined ? { inputs: tensors } : { inputs: tensors, outputs }
}

function json(value: unknown): Item {
  return { json: value, blobs: [] }
}

function offered<F extends (...words: never[]) => unknown>(operation: F | undefined, owner: Engine): F {
  if (!operation) throw engineError('ENGINE_UNSUPPORTED', 'this model does not offer the operation')
  return operation.bind(owner) as F
}
