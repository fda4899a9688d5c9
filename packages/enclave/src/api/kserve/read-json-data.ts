import { utf8 } from '@sotto/protocol/bytes'
import { type Datatype, elementBytes, joinByteElements } from '@sotto/protocol/tensors'
import { invalid } from './errors.ts'
import type { Span } from './json-reader.ts'
import { parseArray } from './parse-array.ts'
import { WRITE_ELEMENT } from './write-element.ts'

/** Texts in one JSON array at most. */
const MAX_JSON_TEXTS = 65_536

/** A tensor whose elements stand in the JSON. */
export interface JsonTensor {
  readonly datatype: Datatype
  readonly shape: readonly number[]
  /** Product of the shape. */
  readonly count: number
}

/**
 * Elements in a JSON array as raw data, little-endian and row-major: flat, or nested exactly as the shape says.
 *
 * @param span what {@link JsonReader.skipArray} went past, which bounds its depth
 * @param field names the member for messages
 * @param hold told how many bytes the data is, before they are allocated
 * @throws `API_INVALID` for another number of elements, another nesting, and elements that the datatype cannot hold
 */
export function readJsonData(
  text: string,
  span: Span,
  tensor: JsonTensor,
  field: string,
  hold: (bytes: number) => void,
): Uint8Array {
  const { datatype, shape, count } = tensor
  // An element and its comma are two characters: nothing is allocated for elements that cannot be there.
  if (count > (span.end - span.start) / 2) throw wrongCount(field, count)
  // Each is an object of its own for a while, many times its size.
  if (datatype === 'BYTES' && count > MAX_JSON_TEXTS)
    throw invalid(field, `at most ${MAX_JSON_TEXTS} texts in JSON; more travel as binary data`)
  const value = parse(text.slice(span.start, span.end), datatype, field)
  if (datatype === 'BYTES') {
    const elements: Uint8Array[] = []
    walk(value, tensor, field, (element) => {
      if (typeof element !== 'string' || !element.isWellFormed()) return false
      elements.push(utf8(element))
      return true
    })
    // Each has its length before it.
    hold(elements.reduce((sum, element) => sum + 4 + element.length, 0))
    return joinByteElements(elements)
  }
  const width = elementBytes(datatype)!
  const write = WRITE_ELEMENT[datatype]
  hold(count * width)
  const out = new DataView(new ArrayBuffer(count * width))
  let at = -width
  walk(value, { datatype, shape, count }, field, (element) => write(out, (at += width), element))
  return new Uint8Array(out.buffer)
}

function parse(array: string, datatype: Datatype, field: string): unknown[] {
  try {
    return parseArray(array, datatype)
  } catch {
    // Not in the parser's words: they quote the request.
    throw invalid(field, `no JSON array of ${datatype}; NaN and infinite values travel as binary data only`)
  }
}

/** Takes every element, of which there must be as many as the shape says, where it says. */
function walk(
  value: unknown[],
  { datatype, shape, count }: JsonTensor,
  field: string,
  take: (element: unknown) => boolean,
): void {
  const takeRow = (row: readonly unknown[]): void => {
    for (const element of row)
      if (!take(element))
        throw Array.isArray(element)
          ? wrongNesting(field, shape)
          : invalid(field, `an element is not one of ${datatype}; infinite values travel as binary data only`)
  }
  const takeLevel = (level: unknown, depth: number): void => {
    if (!Array.isArray(level) || level.length !== shape[depth]) throw wrongNesting(field, shape)
    if (depth === shape.length - 1) takeRow(level)
    else for (const part of level) takeLevel(part, depth + 1)
  }
  if (Array.isArray(value[0])) return takeLevel(value, 0)
  if (value.length !== count) throw wrongCount(field, count)
  takeRow(value)
}

function wrongCount(field: string, count: number): Error {
  return invalid(field, `another number of elements than its shape says: expected ${count}`)
}

function wrongNesting(field: string, shape: readonly number[]): Error {
  return invalid(
    field,
    `nested in another way than its shape says: expected [${shape.join(', ')}], or one row`,
  )
}
