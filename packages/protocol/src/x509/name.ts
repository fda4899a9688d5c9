import { type DerReader, TAG } from '../der/index.ts'
import { malformed } from '../der/index.ts'
import { toHex } from '../bytes/index.ts'

/** A distinguished name in words. */
export interface NameText {
  text: string
  commonName: string | undefined
}

const COMMON_NAME = '2.5.4.3'

/** Short names of RFC 4514 Section 3, and `serialNumber` of X.520. */
const SHORT_NAMES: Readonly<Record<string, string>> = {
  [COMMON_NAME]: 'CN',
  '2.5.4.5': 'serialNumber',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '0.9.2342.19200300.100.1.25': 'DC',
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Reads the content of a Name (RFC 5280 Section 4.1.2.4). @throws `X509_MALFORMED` */
export function readName(name: DerReader): NameText {
  const parts: string[] = []
  const commonNames: string[] = []
  while (!name.atEnd) {
    const set = name.enter(TAG.SET)
    do {
      const attribute = set.enter(TAG.SEQUENCE)
      const type = attribute.oid()
      const value = attributeText(attribute)
      attribute.end()
      if (type === COMMON_NAME) commonNames.push(value)
      parts.push(`${SHORT_NAMES[type] ?? type}=${escape(value)}`)
    } while (!set.atEnd)
  }
  return { text: parts.join(','), commonName: commonNames.length === 1 ? commonNames[0] : undefined }
}

/** DirectoryString and IA5String; what has another type is shown in hexadecimal, as RFC 4514 does. */
function attributeText(attribute: DerReader): string {
  const tag = attribute.nextTag
  if (tag === TAG.UTF8_STRING) {
    try {
      return utf8.decode(attribute.take(tag))
    } catch {
      throw malformed('a name is not UTF-8')
    }
  }
  if (tag === TAG.PRINTABLE_STRING || tag === TAG.IA5_STRING) {
    const content = attribute.take(tag)
    let text = ''
    for (const byte of content) {
      if (byte >= 0x80) throw malformed('a name has a character that its type does not have')
      text += String.fromCharCode(byte)
    }
    return text
  }
  return `#${toHex(attribute.element())}`
}

/** Printable ASCII without what separates attributes: nearly every name, and faster to see than to replace nothing. */
const PLAIN = /^[ -*\--<>-[\]-~]*$/

/** Whoever wrote the name must not write a second attribute into the message, or move a terminal's cursor. */
function escape(value: string): string {
  if (PLAIN.test(value)) return value
  return value.replace(/[,+=\\]/g, '\\$&').replace(/[\p{Cc}\p{Cf}]/gu, '\u{fffd}')
}
