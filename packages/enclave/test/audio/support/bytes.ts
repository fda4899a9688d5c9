/** Joins numbers (one byte each), strings (Latin-1) and arrays. */
export function bytesOf(...parts: readonly (number | string | Uint8Array)[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(
    parts.flatMap((part) =>
      typeof part === 'number'
        ? [part]
        : typeof part === 'string'
          ? [...part].map((letter) => letter.charCodeAt(0))
          : [...part],
    ),
  )
}

/** Little-endian integer. */
export function le(value: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => Math.floor(value / 256 ** i) % 256)
}

/** Big-endian integer. */
export function be(value: number, length: number): Uint8Array {
  return le(value, length).toReversed()
}
