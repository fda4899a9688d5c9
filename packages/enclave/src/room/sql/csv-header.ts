/** The names in the first line of a CSV file (RFC 4180); undefined where it has none that can be read. */
export function parseCsvHeader(start: Uint8Array): string[] | undefined {
  const end = start.indexOf(0x0a)
  if (end < 0) return undefined
  let line: string
  try {
    line = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(start.subarray(0, end))
  } catch {
    return undefined
  }
  const names = line.replace(/\r$/, '').split(',')
  return names.every((name) => NAME.test(name)) ? names.map((name) => name.replaceAll('"', '')) : undefined
}

/** Names of columns need no quotes, and may have them. */
const NAME = /^(?:[A-Za-z0-9_]+|"[A-Za-z0-9_]+")$/
