import { engineError } from '../errors.ts'
import { externalFiles, findFile, openSession, type Session } from '../onnx/index.ts'
import type { EngineModel } from '../types.ts'
import { checkDecoderGraphs, type DecoderGraphs } from './graph-decoder.ts'

/** What Optimum and others append to the name of a converted graph. */
const SUFFIXES = ['', '_quantized', '_int8', '_uint8', '_fp16', '_q8', '_q4', '_q4f16', '_bnb4']

/** Graphs of an encoder-decoder model. */
export interface EncoderDecoder {
  readonly encoder: Session
  readonly decoder: DecoderGraphs
  close(): Promise<void>
}

/**
 * Opens the graphs of an Optimum export: `encoder_model.onnx` and either `decoder_model_merged.onnx` or
 * `decoder_model.onnx` with, if there, `decoder_with_past_model.onnx`; each also with a suffix such as `_quantized`.
 *
 * @throws `ENGINE_MODEL_INVALID`
 */
export async function openEncoderDecoder(model: EngineModel): Promise<EncoderDecoder> {
  const externalData = externalFiles(model)
  const opened: Session[] = []
  const open = async (name: string): Promise<Session | undefined> => {
    const file = findFile(model, ...SUFFIXES.map((suffix) => `${name}${suffix}.onnx`))
    if (!file) return undefined
    const session = await openSession(file.bytes(), { threads: model.threads, externalData })
    opened.push(session)
    return session
  }
  const close = async (): Promise<void> => {
    for (const session of opened) await session.close()
  }
  try {
    const encoder = await open('encoder_model')
    const merged = await open('decoder_model_merged')
    const first = merged ?? (await open('decoder_model'))
    const later = merged ?? (await open('decoder_with_past_model'))
    if (!encoder || !first)
      throw engineError('ENGINE_MODEL_INVALID', 'model lacks a graph its engine needs', {
        expected: 'encoder_model.onnx and decoder_model_merged.onnx, or decoder_model.onnx',
      })
    const decoder = later ? { first, later } : { first }
    checkDecoderGraphs(decoder)
    return { encoder, decoder, close }
  } catch (error) {
    await close()
    throw error
  }
}
