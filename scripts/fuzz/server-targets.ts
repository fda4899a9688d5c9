import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { readElfLoads } from '../../packages/enclave/src/engines/host/elf.ts'
import { decodeCompletionEvent } from '../../packages/enclave/src/engines/llama-server/completion-event.ts'
import { decodeInferAnswer } from '../../packages/enclave/src/engines/upstream/kserve/infer-answer.ts'
import { decodeEmbeddings } from '../../packages/enclave/src/engines/upstream/openai/embeddings.ts'
import { buildElf } from '../../packages/enclave/test/engines/host/build-elf.ts'
import { parser, type Target } from './target.ts'

const WORDS = 1000

/** What an enclave receives of model servers beside it, whose models' makers may control it, and a program it may start. */
export const serverTargets: readonly Target[] = [
  parser('llama-server event', completionEvents, (bytes) => decodeCompletionEvent(jsonOf(bytes), WORDS)),
  parser('model server vectors', vectors, (bytes) => decodeEmbeddings(jsonOf(bytes), { inputs: ['a', 'b'] })),
  parser('model server tensors', tensorAnswers, (bytes) =>
    decodeInferAnswer({ status: 200, headers: {}, bytes }, undefined),
  ),
  parser('model server raw tensors', rawAnswers, (bytes) =>
    decodeInferAnswer(
      { status: 200, headers: { 'inference-header-content-length': `${RAW_HEAD.length}` }, bytes },
      undefined,
    ),
  ),
  parser('llama-server program', programs, (bytes) =>
    readElfLoads({
      size: bytes.length,
      read: (offset, length) => bytes.subarray(offset, offset + length),
    }),
  ),
]

/** Values are what is read; that JSON is JSON is the platform's to say. */
function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(bytes)) as unknown
  } catch {
    return undefined
  }
}

function completionEvents(): Uint8Array[] {
  return [
    '{"content":" a","tokens":[5],"stop":false,"tokens_predicted":3,"completion_probabilities":[{"id":5,"logprob":-0.5,"top_logprobs":[{"id":1,"logprob":-3}]}]}',
    '{"content":"","stop":true,"stop_type":"eos","timings":{"prompt_n":4}}',
  ].map(utf8)
}

function vectors(): Uint8Array[] {
  return [
    utf8(
      '{"data":[{"index":0,"embedding":[0.1,2]},{"index":1,"embedding":[1,-2e3]}],"usage":{"prompt_tokens":4}}',
    ),
  ]
}

function tensorAnswers(): Uint8Array[] {
  return [
    utf8(
      '{"outputs":[{"name":"x","datatype":"FP32","shape":[2],"data":[0.5,1]},{"name":"n","datatype":"INT64","shape":[1],"data":[9223372036854775807]},{"name":"w","datatype":"BYTES","shape":[1],"data":["a"]},{"name":"h","datatype":"FP16","shape":[1,1],"data":[[1]]}]}',
    ),
  ]
}

const RAW_HEAD = utf8(
  '{"outputs":[{"name":"x","datatype":"FP32","shape":[1],"parameters":{"binary_data_size":4}},{"name":"w","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":5}}]}',
)

function rawAnswers(): Uint8Array[] {
  return [Uint8Array.of(...RAW_HEAD, 0, 0, 0, 0, 1, 0, 0, 0, 0x61)]
}

function programs(): Uint8Array[] {
  const interpreter = '/lib64/ld-linux-x86-64.so.2'
  return [buildElf({ libraries: [] }), buildElf({ interpreter, libraries: ['libstdc++.so.6', 'libc.so.6'] })]
}
