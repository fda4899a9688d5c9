import { fromBase64, toBase64 } from '../bytes/index.ts'
import { malformed } from '../der/index.ts'

/** Longest text; chains have 2 to 20 kB. */
const MAX_PEM_CHARACTERS = 1_048_576

/** Most blocks in one text: twice the longest path that anything here follows. */
const MAX_PEM_BLOCKS = 32

/**
 * DER of every `CERTIFICATE` block, in order (RFC 7468). Between blocks only white space may stand, and
 * NUL, with which Intel's quotes end their chain; blocks with other labels are refused.
 *
 * @throws `X509_MALFORMED` (fix-input), also when there is none
 */
export function certificatesOfPem(text: string): Uint8Array[] {
  return pemBlocks(text, 'CERTIFICATE')
}

/** DER of the one block that the text has, which must have this label. @throws `X509_MALFORMED` (fix-input) */
export function pemToDer(text: string, label: string): Uint8Array {
  const [der, ...more] = pemBlocks(text, label)
  if (der === undefined || more.length > 0) throw malformed('PEM has several blocks', `one ${label}`)
  return der
}

/** One PEM block with lines of 64 characters and a line end behind the last, as OpenSSL writes it (RFC 7468). */
export function derToPem(der: Uint8Array, label: string): string {
  const lines = toBase64(der).match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}

function pemBlocks(text: string, label: string): Uint8Array[] {
  if (text.length > MAX_PEM_CHARACTERS)
    throw malformed('PEM is too long', `at most ${MAX_PEM_CHARACTERS} characters`, `${text.length}`)
  const begin = `-----BEGIN ${label}-----`
  const end = `-----END ${label}-----`
  const blocks: Uint8Array[] = []
  let at = skipBlank(text, 0)
  while (at < text.length) {
    if (!text.startsWith(begin, at)) throw malformed('PEM has something else than blocks', begin)
    const stop = text.indexOf(end, at)
    if (stop < 0) throw malformed('PEM block does not end', end)
    if (blocks.length === MAX_PEM_BLOCKS)
      throw malformed('PEM has too many blocks', `at most ${MAX_PEM_BLOCKS}`)
    blocks.push(base64Lines(text.slice(at + begin.length, stop)))
    at = skipBlank(text, stop + end.length)
  }
  if (blocks.length === 0) throw malformed('PEM has no block', begin)
  return blocks
}

/** Widths of lines differ between vendors, so that only their ends are taken out. */
function base64Lines(body: string): Uint8Array {
  try {
    return fromBase64(body.replaceAll('\r\n', '\n').replaceAll('\n', ''))
  } catch {
    throw malformed('PEM block is not base64')
  }
}

function skipBlank(text: string, from: number): number {
  let at = from
  while (at < text.length && ' \t\r\n\0'.includes(text[at]!)) at++
  return at
}
