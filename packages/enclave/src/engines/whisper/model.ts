import type { Tensor } from 'onnxruntime-node'
import { engineError } from '../errors.ts'
import { asPortType, floatTensor, type Session } from '../onnx/index.ts'
import type { DecoderGraphs, Encoded } from '../seq2seq/index.ts'
import type { TextTokenizer } from '../tokenizer/index.ts'
import type { WhisperConfig } from './config.ts'

/** A loaded Whisper model. */
export interface WhisperModel {
  readonly config: WhisperConfig
  readonly tokenizer: TextTokenizer
  readonly encoder: Session
  readonly decoder: DecoderGraphs
}

/** Features of a window as `[mels, frames]`, silence behind the end of the recording. */
export type Features = (start: number, count: number) => Float32Array

/** Encodes one window. @throws `ENGINE_MODEL_INVALID` where the graph is not the encoder of such a model */
export async function encodeWindow(
  { encoder, config }: WhisperModel,
  features: Float32Array,
): Promise<Encoded> {
  const port = encoder.inputs[0]
  if (port?.name !== 'input_features' || encoder.inputs.length !== 1)
    throw engineError('ENGINE_MODEL_INVALID', 'encoder is not that of a speech model', {
      expected: 'the input input_features',
    })
  const input: Tensor = asPortType(floatTensor(features, [1, config.mels, config.windowFrames]), port)
  const hidden = (await encoder.run({ [port.name]: input }, ['last_hidden_state']))['last_hidden_state']
  if (!hidden) throw engineError('ENGINE_MODEL_INVALID', 'encoder does not answer with last_hidden_state')
  return { hidden }
}
