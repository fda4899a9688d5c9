/** One HTTP/1.1 message as it stood in a raw capture. */
export interface RawMessage {
  /** Request or status line. */
  start: string
  /** Lower-case name and value, in order. */
  headers: [name: string, value: string][]
  /** Without transfer coding. */
  body: Buffer
}

/** Cuts one direction of a connection into its messages. Throws on anything it does not understand. */
export function httpMessages(stream: Buffer): RawMessage[] {
  const messages: RawMessage[] = []
  for (let at = 0; at < stream.length;) {
    const end = stream.indexOf('\r\n\r\n', at)
    if (end < 0) throw new Error(`no HTTP head at byte ${at}`)
    const [start, ...lines] = stream.toString('latin1', at, end).split('\r\n')
    const headers = lines.map((line): [string, string] => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    })
    const { body, next } = readBody(stream, end + 4, new Map(headers))
    messages.push({ start: start!, headers, body })
    at = next
  }
  return messages
}

function readBody(stream: Buffer, at: number, headers: Map<string, string>): { body: Buffer; next: number } {
  if (headers.get('transfer-encoding') !== 'chunked') {
    const next = at + Number(headers.get('content-length') ?? 0)
    return { body: stream.subarray(at, next), next }
  }
  const parts: Buffer[] = []
  for (;;) {
    const line = stream.indexOf('\r\n', at)
    const size = Number.parseInt(stream.toString('latin1', at, line), 16)
    if (line < 0 || Number.isNaN(size)) throw new Error(`no chunk at byte ${at}`)
    parts.push(stream.subarray(line + 2, line + 2 + size))
    at = line + 2 + size + 2
    if (size === 0) return { body: Buffer.concat(parts), next: at }
  }
}

/** Lengths of the sealed chunks of an encapsulated answer (chunked OHTTP, AES-128-GCM), without tags. */
export function sealedLengths(body: Buffer): number[] {
  const NONCE_BYTES = 16
  const TAG_BYTES = 16
  const lengths: number[] = []
  for (let at = NONCE_BYTES; at < body.length;) {
    const size = 1 << (body[at]! >> 6)
    const length = body.readUIntBE(at, Math.min(size, 4)) & [0x3f, 0x3fff, 0x3fff_ffff][Math.log2(size)]!
    const sealed = length === 0 ? body.length - at - size : length
    lengths.push(sealed - TAG_BYTES)
    at += size + sealed
  }
  return lengths
}
