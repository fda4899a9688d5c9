/**
 * Request fields that may travel inside the encryption (T17). An allow-list, because SDKs keep adding
 * fields that identify the user or the machine: `authorization`, `api-key`, `cookie`, `user-agent`,
 * `x-stainless-*`, `openai-organization` … all end here.
 */
const ALLOWED: ReadonlySet<string> = new Set([
  'accept',
  'content-type',
  'inference-header-content-length',
  // Of a sealed file of a room: which part of it.
  'range',
  // Opens one board of a room, to whoever has it: it names no member.
  'sotto-board-token',
  'upload-offset',
])

/** Longest allowed value; a content type with a long boundary is about 120 bytes. */
const MAX_VALUE_LENGTH = 1024

/** The allowed fields in alphabetical order, so that the order does not tell SDKs apart. */
export function allowedHeaders(headers: Headers): [name: string, value: string][] {
  const kept: [string, string][] = []
  for (const [name, value] of headers) {
    if (ALLOWED.has(name) && value.length <= MAX_VALUE_LENGTH) kept.push([name, value])
  }
  return kept.sort(([a], [b]) => (a < b ? -1 : 1))
}
