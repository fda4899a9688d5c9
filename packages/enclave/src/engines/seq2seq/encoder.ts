import type { Tensor } from 'onnxruntime-node'
import { engineError } from '../errors.ts'
import { idTensor, type Session } from '../onnx/index.ts'
import type { Encoded } from './graph-decoder.ts'

/** Encodes token ids. @throws `ENGINE_MODEL_INVALID` where the graph is not a text encoder */
export async function encodeTokens(encoder: Session, tokens: readonly number[]): Promise<Encoded> {
  const feeds: Record<string, Tensor> = {}
  let mask: Tensor | undefined
  for (const port of encoder.inputs) {
    if (port.name === 'input_ids') feeds[port.name] = idTensor(tokens, tokens.length, port)
    else if (port.name === 'attention_mask') {
      mask = idTensor(Array<number>(tokens.length).fill(1), tokens.length, port)
      feeds[port.name] = mask
    } else
      throw engineError('ENGINE_MODEL_INVALID', 'encoder wants an input no known export has', {
        expected: 'input_ids, attention_mask',
        found: port.name,
      })
  }
  const hidden = (await encoder.run(feeds, ['last_hidden_state']))['last_hidden_state']
  if (!hidden) throw engineError('ENGINE_MODEL_INVALID', 'encoder does not answer with last_hidden_state')
  return mask ? { hidden, mask } : { hidden }
}
