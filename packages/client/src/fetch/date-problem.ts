import type { BhttpField } from '@sotto/protocol/bhttp'
import { concat, fromUtf8 } from '@sotto/protocol/bytes'
import type { ExchangeEnd, InnerResponse } from '../transport/index.ts'

/** Problem documents are short; a longer 400 is some other answer. */
const MAX_PROBLEM_BYTES = 16_384

/** RFC 9458 Section 6.5.2, whatever base the registry's URI has. */
const DATE_PROBLEM = /\/http-problem-types#date$/

/** A response, possibly read to see what it is. */
export interface ExaminedResponse {
  /** The same answer with the same content. */
  inner: InnerResponse
  /** Milliseconds to add to the clock for one retry, when the enclave says that the date was out of its window. */
  clockOffsetMs: number | undefined
}

/**
 * Recognises the encapsulated date problem; other answers pass through unread. The offset comes from
 * inside the encryption: it is the enclave's clock, not the relay's. Without `date` it is no answer of the
 * gateway: an app may write the same problem, but no `date`, and would have a request sent again that ran.
 */
export async function examineDate(inner: InnerResponse, sentMs: number): Promise<ExaminedResponse> {
  const type = valueOf(inner.fields, 'content-type')?.split(';')[0]
  if (inner.status !== 400 || type !== 'application/problem+json') return { inner, clockOffsetMs: undefined }
  const parts: Uint8Array[] = []
  let size = 0
  while (size <= MAX_PROBLEM_BYTES) {
    const { done, value } = await inner.content.next()
    if (done) {
      const clockOffsetMs = isDateProblem(concat(...parts)) ? offsetOf(inner.fields, sentMs) : undefined
      return { inner: { ...inner, content: again(parts, ended(value)) }, clockOffsetMs }
    }
    parts.push(value)
    size += value.length
  }
  return { inner: { ...inner, content: again(parts, inner.content) }, clockOffsetMs: undefined }
}

async function* again(
  parts: readonly Uint8Array[],
  rest: InnerResponse['content'],
): InnerResponse['content'] {
  yield* parts
  return yield* rest
}

async function* ended(end: ExchangeEnd): InnerResponse['content'] {
  yield* []
  return end
}

function isDateProblem(body: Uint8Array): boolean {
  try {
    const { type } = JSON.parse(fromUtf8(body)) as { type?: unknown }
    return typeof type === 'string' && DATE_PROBLEM.test(type)
  } catch {
    return false
  }
}

function offsetOf(fields: readonly BhttpField[], sentMs: number): number | undefined {
  const date = Date.parse(valueOf(fields, 'date') ?? '')
  return Number.isNaN(date) ? undefined : date - sentMs
}

function valueOf(fields: readonly BhttpField[], name: string): string | undefined {
  return fields.find(([field]) => field === name)?.[1]
}
