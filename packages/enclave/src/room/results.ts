import { utf8 } from '@sotto/protocol/bytes'
import type { ResultColumn } from './sql/index.ts'

/** What a step of a run made. */
export type StepResult =
  /** Rows of a query: `bytes` are lines of JSON, the columns first (`SqlResult`). */
  | { readonly kind: 'table'; readonly columns: readonly ResultColumn[]; readonly bytes: Uint8Array }
  /** One text for each item that was read, in order. */
  | { readonly kind: 'texts'; readonly texts: readonly string[] }
  /** One vector for each item, in order. */
  | { readonly kind: 'vectors'; readonly vectors: readonly Float32Array[] }
  /** What code wrote. */
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }

/** A result as it leaves the room. Of items: lines of JSON, `{"item":1,"text":"..."}`. The same result is the same bytes. */
export function encodeResult(result: StepResult): Uint8Array {
  switch (result.kind) {
    case 'table':
    case 'bytes':
      return result.bytes
    case 'texts':
      return lines(result.texts.map((text, index) => ({ item: index + 1, text })))
    case 'vectors':
      return lines(result.vectors.map((vector, index) => ({ item: index + 1, vector: [...vector] })))
  }
}

/** The words of a result, without what encoding adds; undefined where it is no text. */
export function textOf(result: StepResult): string | undefined {
  if (result.kind === 'texts') return result.texts.join('\n')
  if (result.kind === 'vectors') return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(result.bytes)
  } catch {
    return undefined
  }
}

function lines(items: readonly object[]): Uint8Array {
  return utf8(items.map((item) => `${JSON.stringify(item)}\n`).join(''))
}
