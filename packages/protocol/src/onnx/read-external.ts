import { onnxError } from './errors.ts'
import type { WireReader } from './wire-reader.ts'

/**
 * The bytes of a tensor that lies in a file beside its model (`external_data`: location, offset, length), as a view.
 * The model names the file, so only files that the caller supplies by that very name are read.
 *
 * @throws `ONNX_EXTERNAL`
 */
export function readExternal(
  entries: readonly WireReader[],
  files: ReadonlyMap<string, Uint8Array>,
): Uint8Array {
  const values = new Map(entries.map(readEntry))
  const location = values.get('location') ?? ''
  const file = files.get(location)
  if (file === undefined)
    throw onnxError('ONNX_EXTERNAL', 'tensor lies in a file that was not supplied', location)
  const offset = numberOf(values.get('offset') ?? '0')
  const length = numberOf(values.get('length') ?? String(file.length - offset))
  if (offset + length > file.length)
    throw onnxError('ONNX_EXTERNAL', 'tensor lies outside of its file', location)
  return file.subarray(offset, offset + length)
}

/** Key and value of a StringStringEntryProto. */
export function readEntry(reader: WireReader): [key: string, value: string] {
  let key = ''
  let value = ''
  while (reader.next()) {
    if (reader.field === 1) key = reader.text()
    else if (reader.field === 2) value = reader.text()
    else throw onnxError('ONNX_UNSUPPORTED', 'entry has a field that is not read here', `${reader.field}`)
  }
  return [key, value]
}

function numberOf(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw onnxError('ONNX_EXTERNAL', 'place in a file is no whole number', text)
  return Number(text)
}
