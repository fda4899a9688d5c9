import { type GgufFile, ggufError, textOf } from '../../gguf/index.ts'
import type { OnnxModel } from '../../onnx/index.ts'
import { gpt2Forward } from './gpt2.ts'
import { llamaForward } from './llama.ts'

/** Architectures whose forward graph is known here, as `general.architecture` names them. */
const ARCHITECTURES: Readonly<Record<string, (file: GgufFile, sequence: number) => OnnxModel>> = {
  llama: llamaForward,
  gpt2: gpt2Forward,
}

/**
 * The forward graph of a language model: of `tokens` [batch, sequence] int64 its only output gives logits [batch, sequence,
 * vocabulary]. Modules are named as in the file: `blk.0.attn_q`. Examples shorter than the sequence are filled up behind
 * their end with any token.
 *
 * @param sequence tokens of one example
 * @throws `GGUF_UNSUPPORTED` for an architecture or a feature that is not here, `GGUF_MALFORMED` where tensors are not those of
 *   the architecture
 */
export function ggufForward(file: GgufFile, sequence: number): OnnxModel {
  const architecture = textOf(file.metadata, 'general.architecture') ?? ''
  if (!Object.hasOwn(ARCHITECTURES, architecture))
    throw ggufError('GGUF_UNSUPPORTED', 'there is no graph of this architecture', architecture)
  return ARCHITECTURES[architecture]!(file, sequence)
}
