/** A prefix of 4 bytes, little-endian, with the length of what follows. */
const PREFIX_BYTES = 4

/** The raw form of a `BYTES` tensor: each element after its length as 4 bytes, little-endian (binary tensor data extension). */
export function joinByteElements(elements: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(elements.reduce((sum, { length }) => sum + PREFIX_BYTES + length, 0))
  const view = new DataView(out.buffer)
  let at = 0
  for (const element of elements) {
    view.setUint32(at, element.length, true)
    out.set(element, at + PREFIX_BYTES)
    at += PREFIX_BYTES + element.length
  }
  return out
}

/** Views of the elements of a raw `BYTES` tensor; undefined unless it is exactly `count` of them. */
export function splitByteElements(data: Uint8Array, count: number): Uint8Array[] | undefined {
  // Whoever sent the data controls it: no list is made for elements that cannot be there.
  if (count > data.length / PREFIX_BYTES) return undefined
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const elements: Uint8Array[] = []
  let at = 0
  for (let index = 0; index < count; index++) {
    if (data.length - at < PREFIX_BYTES) return undefined
    const length = view.getUint32(at, true)
    at += PREFIX_BYTES
    if (length > data.length - at) return undefined
    elements.push(data.subarray(at, at + length))
    at += length
  }
  return at === data.length ? elements : undefined
}
