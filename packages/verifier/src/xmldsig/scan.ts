import { verifierError } from '../errors.ts'

/** Longest name and longest value of an attribute: those of reference manifests have 32 and 97 characters. */
const MAX_NAME = 128
const MAX_VALUE = 8192

const NAME = /[A-Za-z_][A-Za-z0-9._-]*/y

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', apos: "'", quot: '"' }
/** Longest reference with its `&` and `;`: `&#1114111;`. */
const MAX_REFERENCE = 10

/** Reads the parts of XML 1.0 markup one after the other. The text is the sender's, to the last character. */
export class XmlScanner {
  readonly text: string
  private at: number

  constructor(text: string, start: number) {
    this.text = text
    this.at = start
  }

  get atEnd(): boolean {
    return this.at === this.text.length
  }

  /** Whether a tag ends here. */
  get endsTag(): boolean {
    return this.text[this.at] === '>' || this.text[this.at] === '/'
  }

  /** Whether the text goes on with this, which is then read. */
  takes(expected: string): boolean {
    if (!this.text.startsWith(expected, this.at)) return false
    this.at += expected.length
    return true
  }

  require(expected: string): void {
    if (!this.takes(expected)) throw malformedXml('markup', expected, this.shown())
  }

  /** Whether there was any white space; CR became LF before. */
  skipSpace(): boolean {
    const start = this.at
    while (this.at < this.text.length && ' \t\n'.includes(this.text[this.at]!)) this.at++
    return this.at > start
  }

  /** A name of ASCII letters, digits and `._-`, with at most one prefix: enough for every format that is read here. */
  qualifiedName(): { prefix: string; localName: string } {
    const first = this.name()
    return this.takes(':') ? { prefix: first, localName: this.name() } : { prefix: '', localName: first }
  }

  /** Character data up to the next tag or the end. */
  characters(): string {
    const next = this.text.indexOf('<', this.at)
    const end = next < 0 ? this.text.length : next
    const raw = this.text.slice(this.at, end)
    this.at = end
    if (raw.includes(']]>')) throw malformedXml('character data', 'no ]]>', ']]>')
    return resolveReferences(raw)
  }

  /** Value of an attribute in its quotes, normalised (XML 1.0 Section 3.3.3, type CDATA). */
  quotedValue(): string {
    const quote = this.text[this.at]
    const end = quote === '"' || quote === "'" ? this.text.indexOf(quote, this.at + 1) : -1
    if (end < 0) throw malformedXml('value of an attribute', 'quotes', this.shown())
    const raw = this.text.slice(this.at + 1, end)
    if (raw.length > MAX_VALUE)
      throw malformedXml('value of an attribute', `at most ${MAX_VALUE} characters`, `${raw.length}`)
    if (raw.includes('<')) throw malformedXml('value of an attribute', 'no <', '<')
    this.at = end + 1
    return resolveReferences(/[\t\n]/.test(raw) ? raw.replaceAll(/[\t\n]/g, ' ') : raw)
  }

  private name(): string {
    const start = this.at
    NAME.lastIndex = start
    if (NAME.test(this.text)) this.at = NAME.lastIndex
    const name = this.text.slice(start, this.at)
    if (name === '' || name.length > MAX_NAME)
      throw malformedXml('name', `1 to ${MAX_NAME} ASCII characters`, name === '' ? this.shown() : 'more')
    return name
  }

  private shown(): string {
    return this.atEnd ? 'the end' : JSON.stringify(this.text.slice(this.at, this.at + 8))
  }
}

/** The five predefined entities and character references (XML 1.0 Sections 4.1 and 4.6); there are no others without a DTD. */
function resolveReferences(raw: string): string {
  let start = raw.indexOf('&')
  if (start < 0) return raw
  let resolved = raw.slice(0, start)
  while (start >= 0) {
    const end = raw.indexOf(';', start)
    if (end < 0 || end - start >= MAX_REFERENCE) throw malformedXml('reference', 'a short one', 'no ;')
    resolved += resolve(raw.slice(start + 1, end))
    start = raw.indexOf('&', end)
    resolved += raw.slice(end + 1, start < 0 ? raw.length : start)
  }
  return resolved
}

function resolve(name: string): string {
  if (Object.hasOwn(ENTITIES, name)) return ENTITIES[name]!
  const number = /^#(?:x([0-9A-Fa-f]+)|([0-9]+))$/.exec(name)
  if (!number) throw malformedXml('reference', 'one of the five predefined entities', 'another entity')
  const code = number[1] === undefined ? Number(number[2]) : Number.parseInt(number[1], 16)
  const character = code <= 0x10_ffff ? String.fromCodePoint(code) : '\0'
  if (hasForbiddenCharacter(character)) throw malformedXml('reference', 'a character', `code ${code}`)
  return character
}

/** Whether something is there that is no Char of XML 1.0 Section 2.2. */
export function hasForbiddenCharacter(text: string): boolean {
  return /[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u.test(text)
}

/** An error about the structure of XML. */
export function malformedXml(what: string, expected?: string, found?: string): Error {
  return verifierError('EVIDENCE_MALFORMED', `XML is malformed: ${what}`, {
    ...(expected !== undefined && { expected }),
    ...(found !== undefined && { found: found.slice(0, 128) }),
  })
}
