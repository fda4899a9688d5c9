/**
 * DER (X.690) that is written for OpenSSL: Node turns keys and signatures in other forms into it by ways that
 * take as long as a good part of a verification.
 */

/** One element with its header; the content has less than 64 KiB. */
export function derElement(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const length = content.reduce((sum, part) => sum + part.length, 0)
  const header =
    length < 0x80
      ? [tag, length]
      : length < 0x100
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 0xff]
  const element = new Uint8Array(header.length + length)
  element.set(header)
  let at = header.length
  for (const part of content) {
    element.set(part, at)
    at += part.length
  }
  return element
}

/** INTEGER of a big-endian number of one byte or more, leading zeros allowed. */
export function derInteger(number: Uint8Array): Uint8Array {
  let start = 0
  while (start < number.length - 1 && number[start] === 0) start++
  const minimal = number.subarray(start)
  return minimal[0]! < 0x80 ? derElement(0x02, minimal) : derElement(0x02, Uint8Array.of(0), minimal)
}

/** PEM of a SubjectPublicKeyInfo, which Node takes without looking for a key in it first. */
export function publicKeyPem(spki: Uint8Array): string {
  const base64 = Buffer.from(spki.buffer, spki.byteOffset, spki.length).toString('base64')
  return `-----BEGIN PUBLIC KEY-----\n${base64}\n-----END PUBLIC KEY-----\n`
}
