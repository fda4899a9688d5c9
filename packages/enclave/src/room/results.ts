import { utf8 } from '@sotto/protocol/bytes'
import type { OutputPart } from '@sotto/protocol/contract'
import type { TrainingFigures } from '../train/task/index.ts'
import { roomRoleError } from './errors.ts'
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
  /** What a training made, as far as somebody asked for it. */
  | {
      readonly kind: 'trained'
      readonly parts: ReadonlyMap<OutputPart, Uint8Array>
      readonly figures: TrainingFigures
    }

/** The part of a training that is meant where none is named. */
export const WHOLE_PART: OutputPart = 'model'

/**
 * A result as it leaves the room. Of items: lines of JSON, `{"item":1,"text":"..."}`. The same result is the same bytes.
 * @param part of a training; default the model
 * @throws `ROOM_TASK` for a part that is not there
 */
export function encodeResult(result: StepResult, part?: OutputPart): Uint8Array {
  if (result.kind === 'trained') {
    const bytes = result.parts.get(part ?? WHOLE_PART)
    if (bytes !== undefined) return bytes
  }
  if (result.kind === 'trained' || part !== undefined)
    throw roomRoleError('ROOM_TASK', 'a step did not make what is asked of it', {
      expected: part ?? WHOLE_PART,
    })
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
  if (result.kind === 'vectors' || result.kind === 'trained') return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(result.bytes)
  } catch {
    return undefined
  }
}

function lines(items: readonly object[]): Uint8Array {
  return utf8(items.map((item) => `${JSON.stringify(item)}\n`).join(''))
}
