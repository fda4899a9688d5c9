import { utf8 } from '@sotto/protocol/bytes'
import { parseDsse } from '@sotto/protocol/dsse'
import { hasCode, type SottoError } from '@sotto/protocol/errors'
import { decodeDocument } from '@sotto/protocol/keyrelease'
import { inferenceReceiptDecoder, type SavedReceipt } from '@sotto/protocol/receipts'
import { clientError } from '../errors.ts'
import { encodeResult } from '../receipts/index.ts'
import { readBounded } from '../streams.ts'
import { INNER_ORIGIN } from '../transport/index.ts'
import type { Sotto } from '../types.ts'
import { encodeRequest, HEADER_LENGTH, parseAnswer, parseSignature } from './messages.ts'
import { toRaw } from './to-raw.ts'
import type { RunOptions, SottoTensors } from './types.ts'

/** Bytes of an answer at most: an engine sends 64 MiB, and JSON before it. */
const MAX_ANSWER_BYTES = 80 * 1024 * 1024
/** Bytes of an error or of metadata that are looked at. */
const MAX_SHORT_BYTES = 1024 * 1024
const REQUEST_TYPE = 'application/octet-stream'

/** Models by tensor through a verified connection. */
export function createTensors(sotto: Pick<Sotto, 'fetch' | 'receiptOf'>): SottoTensors {
  return {
    async run(id, inputs, options = {}) {
      const path = `${pathOf(id, options)}/infer`
      const raw = Object.entries(inputs).map(([name, input]) => toRaw(name, input))
      const { body, headerLength } = encodeRequest(raw, options.outputs)
      const response = await sotto.fetch(INNER_ORIGIN + path, {
        method: 'POST',
        headers: { 'content-type': REQUEST_TYPE, [HEADER_LENGTH]: String(headerLength) },
        body: body as BodyInit,
        ...(options.signal && { signal: options.signal }),
      })
      const content = await contentOf(response, MAX_ANSWER_BYTES)
      const answer = parseAnswer(content, Number(response.headers.get(HEADER_LENGTH) ?? content.length))
      const wanted = options.outputs
      const isAsked =
        wanted === undefined || wanted.join('\n') === Object.keys(answer?.outputs ?? {}).join('\n')
      if (answer === undefined || !isAsked || (options.version ?? answer.version) !== answer.version)
        throw malformed('an inference answer with the tensors asked for')
      const receipt = await receiptOf(sotto, response, answer.version)
      return {
        ...answer,
        receipt: 'envelope' in receipt ? receipt : undefined,
        save() {
          if (!('envelope' in receipt)) throw receipt
          const responseType = response.headers.get('content-type') ?? ''
          return encodeResult({
            request: { method: 'POST', path, contentType: REQUEST_TYPE, body },
            response: { status: response.status, contentType: responseType, body: content },
            receipt,
          })
        },
      }
    },
    async describe(id, options = {}) {
      const response = await sotto.fetch(
        INNER_ORIGIN + pathOf(id, options),
        options.signal ? { signal: options.signal } : {},
      )
      const signature = parseSignature(await contentOf(response, MAX_SHORT_BYTES))
      if (signature === undefined) throw malformed('metadata of a model')
      return signature
    },
  }
}

/** With every slash of the id as `%2F`, so that no id is taken for a word of the protocol. */
function pathOf(id: string, { version }: Pick<RunOptions, 'version'>): string {
  const model = `/v2/models/${encodeURIComponent(id)}`
  return version === undefined ? model : `${model}/versions/${encodeURIComponent(version)}`
}

/** The receipt, or why there is none now; a wrong one is an error. It must name the model that says it answered. */
async function receiptOf(
  sotto: Pick<Sotto, 'receiptOf'>,
  response: Response,
  version: string,
): Promise<SavedReceipt | SottoError> {
  let saved: SavedReceipt
  try {
    saved = await sotto.receiptOf(response)
  } catch (error) {
    if (hasCode(error, 'RECEIPT_MISSING') || hasCode(error, 'RECEIPT_UNPROVEN')) return error as SottoError
    throw error
  }
  const { payload } = parseDsse(utf8(saved.envelope))
  const { model } = decodeDocument(payload, inferenceReceiptDecoder, 'receipt')
  if (model !== version)
    throw clientError('RECEIPT_INVALID', 'the receipt is about another model than the answer', {
      expected: version,
      found: model,
    })
  return saved
}

/** The whole content of an answer of status 200. @throws `INFERENCE_REFUSED`, `INFERENCE_FAILED`, `RESPONSE_INVALID` */
async function contentOf(response: Response, maxBytes: number): Promise<Uint8Array> {
  const content = await readBounded(response.body, response.status === 200 ? maxBytes : MAX_SHORT_BYTES)
  if (content === undefined) throw malformed(`at most ${maxBytes} bytes`)
  if (response.status === 200) return content
  const { message, code } = problemOf(content)
  const refused = response.status < 500 && response.status !== 429 && response.status !== 499
  throw clientError(
    refused ? 'INFERENCE_REFUSED' : 'INFERENCE_FAILED',
    `the service answered: ${message ?? `status ${response.status}`}`,
    code === undefined ? {} : { found: code },
  )
}

/** KServe's error is a string, that of a gateway in front an object. */
function problemOf(content: Uint8Array): { message?: string; code?: string } {
  try {
    const { error, code } = JSON.parse(new TextDecoder().decode(content)) as Record<string, unknown>
    const inner = (typeof error === 'object' && error !== null ? error : { message: error, code }) as Record<
      string,
      unknown
    >
    return {
      ...(typeof inner['message'] === 'string' && { message: inner['message'].slice(0, 1000) }),
      ...(typeof inner['code'] === 'string' && { code: inner['code'].slice(0, 64) }),
    }
  } catch {
    return {}
  }
}

function malformed(expected: string): SottoError {
  return clientError('RESPONSE_INVALID', 'the service answered with something else', { expected })
}
