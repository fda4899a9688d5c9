import { concat } from '@sotto/protocol/bytes'
import { encodeScalar, type GgufFile, type GgufValue } from '@sotto/protocol/gguf'
import { tinyGpt2 } from '../../../../protocol/test/gguf/tiny-models.ts'

const words = (values: readonly string[]): GgufValue => ({
  type: 'list',
  of: 'string',
  count: values.length,
  items: concat(...values.map((value) => encodeScalar({ type: 'string', value }))),
})

const kinds = (values: readonly number[]): GgufValue => ({
  type: 'list',
  of: 'int32',
  count: values.length,
  items: concat(...values.map((value) => encodeScalar({ type: 'int32', value }))),
})

/** Kinds of tokens (`tokenizer.ggml.token_type`). */
const [NORMAL, CONTROL] = [1, 3]

/** What begins, ends and divides the texts of {@link bytePairs}. */
export const END = '<|endoftext|>'
/** Its token. */
export const END_TOKEN = 257

/**
 * A model whose words are the 256 letters that byte pairs write bytes with, and `ab`.
 *
 * @param pre the name of what divides its texts
 */
export function bytePairs(pre: string, chatTemplate?: string): GgufFile {
  const isPlain = (byte: number): boolean =>
    (byte > 32 && byte < 127) || (byte > 160 && byte !== 173 && byte < 256)
  let others = 256
  const letters = Array.from({ length: 256 }, (_, byte) =>
    String.fromCodePoint(isPlain(byte) ? byte : others++),
  )
  const vocabulary = [...letters, 'ab', END]
  const file = tinyGpt2({ vocabulary: vocabulary.length })
  const end: GgufValue = { type: 'uint32', value: END_TOKEN }
  const tokenizer: [string, GgufValue][] = [
    ['ggml.model', { type: 'string', value: 'gpt2' }],
    ['ggml.pre', { type: 'string', value: pre }],
    ['ggml.tokens', words(vocabulary)],
    ['ggml.token_type', kinds(vocabulary.map((word) => (word === END ? CONTROL : NORMAL)))],
    ['ggml.merges', words(['a b'])],
    ['ggml.bos_token_id', end],
    ['ggml.eos_token_id', end],
  ]
  if (chatTemplate !== undefined) tokenizer.push(['chat_template', { type: 'string', value: chatTemplate }])
  const entries = tokenizer.map(([key, value]): [string, GgufValue] => [`tokenizer.${key}`, value])
  return { ...file, metadata: new Map([...file.metadata, ...entries]) }
}
