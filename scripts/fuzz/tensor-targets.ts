import { concat, fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { encodeResult, parseResult } from '../../packages/client/src/receipts/index.ts'
import { encodeRequest, parseAnswer } from '../../packages/client/src/tensors/messages.ts'
import { parseNpy, writeNpy } from '../../packages/client/src/tensors/npy.ts'
import { parseInferHead } from '../../packages/enclave/src/api/kserve/infer-head.ts'
import { parsePath } from '../../packages/enclave/src/api/kserve/paths.ts'
import { readJsonData } from '../../packages/enclave/src/api/kserve/read-json-data.ts'
import { checkSignature } from '../../packages/enclave/src/api/kserve/signature.ts'
import { ownWorld } from './own-documents.ts'
import { parser, type Target } from './target.ts'

/** A kept result ends with the SHA-256 of the rest. */
const DIGEST_BYTES = 32

/** What an enclave receives of tensors, and what its clients receive and keep of them. */
export const tensorTargets: readonly Target[] = [
  parser('tensor request', requests, readRequest),
  parser(
    'tensor path',
    () => ['/v2/models/a%2Fb/versions/1/infer', '/v2/repository/index'].map(utf8),
    (bytes) => parsePath(fromUtf8(bytes)),
  ),
  parser('tensor answer', answers, (bytes) => parseAnswer(bytes, ANSWER_JSON.length)),
  parser('npy', arrays, parseNpy),
  parser('kept result', results, (bytes) => {
    // With the digest that fits, as a forger would: without, nothing behind it is ever read.
    const content = bytes.subarray(0, -DIGEST_BYTES)
    return parseResult(concat(content, crypto.sha256(content)))
  }),
]

const PORTS = [
  { name: 'x', datatype: 'FP32', shape: [-1, 2] },
  { name: 'n', datatype: 'INT64', shape: [] },
  { name: 'w', datatype: 'BYTES', shape: [-1] },
] as const

function readRequest(bytes: Uint8Array): void {
  const text = fromUtf8(bytes)
  const head = parseInferHead(text)
  const counts = checkSignature(head, { inputs: PORTS, outputs: PORTS })
  for (const [i, { datatype, shape, data }] of head.inputs.entries())
    if ('span' in data)
      readJsonData(text, data.span, { datatype, shape, count: counts[i]! }, 'data', () => undefined)
}

function requests(): Uint8Array[] {
  const w = '{"name":"w","datatype":"BYTES","shape":[2],"data":["\\u00e9",""]}'
  const n = '{"name":"n","datatype":"INT64","shape":[],"data":[-9223372036854775808]}'
  const x = '{"name":"x","datatype":"FP32","shape":[2,2],"data":[[0.5,-1e3],[2,3]]}'
  const binary = '{"name":"x","datatype":"FP32","shape":[1,2],"parameters":{"binary_data_size":8}}'
  const outputs = '[{"name":"x","parameters":{"binary_data":true}}]'
  return [
    `{"id":"1","inputs":[${x},${n},${w}],"outputs":${outputs},"parameters":{"binary_data_output":false}}`,
    `{"inputs":[${binary},${n},${w}]}`,
  ].map(utf8)
}

const ANSWER_JSON = utf8(
  '{"model_name":"m","model_version":"1","outputs":[{"name":"x","datatype":"FP32","shape":[1],"parameters":{"binary_data_size":4}},{"name":"w","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":5}}]}',
)

function answers(): Uint8Array[] {
  return [concat(ANSWER_JSON, new Uint8Array(4), Uint8Array.of(1, 0, 0, 0, 0x61))]
}

function arrays(): Uint8Array[] {
  return [
    writeNpy({ datatype: 'FP32', shape: [2, 1], data: new Uint8Array(8) }),
    writeNpy({ datatype: 'BYTES', shape: [2], data: Uint8Array.of(1, 0, 0, 0, 0x61, 0, 0, 0, 0) }),
  ]
}

async function results(): Promise<Uint8Array[]> {
  const { saved } = (await ownWorld()).receipt
  const { body } = encodeRequest([], undefined)
  const request = {
    method: 'POST',
    path: '/v2/models/m/infer',
    contentType: 'application/octet-stream',
    body,
  }
  const response = { status: 200, contentType: 'application/octet-stream', body: answers()[0]! }
  return [encodeResult({ request, response, receipt: saved })]
}
