import { fromUtf8 } from '@sotto/protocol/bytes'
import { hasForbiddenCharacter, malformedXml, XmlScanner } from './scan.ts'
import type { XmlAttribute, XmlElement, XmlNode } from './types.ts'

/** Bounds with room: a reference manifest has 26 kB, 70 elements, 4 levels, 17 attributes and 6 declarations. */
const MAX_BYTES = 524_288
const MAX_ELEMENTS = 4096
const MAX_DEPTH = 16
const MAX_ATTRIBUTES = 64
const MAX_DECLARATIONS = 64

const XML_NAMESPACE = 'http://www.w3.org/XML/1998/namespace'
const XMLNS_NAMESPACE = 'http://www.w3.org/2000/xmlns/'

const DECLARATION =
  /^<\?xml version=(?:"1\.0"|'1\.0')(?: encoding=(?:"UTF-8"|'UTF-8'|"utf-8"|'utf-8'))?(?: standalone=(?:"yes"|'yes'|"no"|'no'))? ?\?>/

type OpenElement = XmlElement & { children: XmlNode[]; name: string }

/**
 * Reads a document of restricted XML 1.0 with namespaces, in UTF-8: elements, attributes and text. There
 * is no DTD and so no entity but the five and no default attribute, no comment, no CDATA section, no
 * processing instruction but the declaration, and no `xml:` attribute: what is signed then has one reading.
 * Nothing is proven about the result.
 *
 * @returns the root element
 * @throws `EVIDENCE_MALFORMED` (fix-input)
 */
export function parseXml(bytes: Uint8Array): XmlElement {
  if (bytes.length > MAX_BYTES) throw malformedXml('length', `at most ${MAX_BYTES} bytes`, `${bytes.length}`)
  // Ends of lines become LF before anything else (XML 1.0 Section 2.11).
  const text = decode(bytes).replaceAll(/\r\n?/g, '\n')
  if (hasForbiddenCharacter(text)) throw malformedXml('a character that XML does not have')
  return new Reader(text).document()
}

function decode(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes)
  } catch {
    throw malformedXml('not UTF-8')
  }
}

class Reader {
  private readonly scanner: XmlScanner
  private readonly open: OpenElement[] = []
  private elements = 0
  private declarations = 0

  constructor(text: string) {
    this.scanner = new XmlScanner(text, DECLARATION.exec(text)?.[0].length ?? 0)
  }

  document(): XmlElement {
    let root: XmlElement | undefined
    for (;;) {
      const text = this.scanner.characters()
      const parent = this.open.at(-1)
      if (parent === undefined) requireBlank(text)
      else if (text !== '') parent.children.push(text)
      if (this.scanner.atEnd) break
      if (this.scanner.takes('</')) this.endTag()
      else {
        const element = this.startTag(parent)
        if (parent === undefined && root !== undefined) throw malformedXml('several root elements')
        root ??= element
      }
    }
    if (root === undefined || this.open.length > 0) throw malformedXml('an element does not end')
    return root
  }

  private endTag(): void {
    const element = this.open.pop()
    const { prefix, localName } = this.scanner.qualifiedName()
    this.scanner.skipSpace()
    this.scanner.require('>')
    const name = nameOf(prefix, localName)
    if (element?.name !== name) throw malformedXml('end tag', element?.name ?? 'none', name)
  }

  private startTag(parent: OpenElement | undefined): XmlElement {
    this.scanner.require('<')
    if (this.scanner.takes('!')) throw malformedXml('DTD, comment or CDATA section, of which none is allowed')
    if (this.scanner.takes('?')) throw malformedXml('processing instruction, of which none is allowed')
    const { prefix, localName } = this.scanner.qualifiedName()
    const { attributes, declared } = this.attributes()
    const scope =
      declared.size === 0 && parent ? parent.scope : new Map([...(parent?.scope ?? []), ...declared])
    const children: XmlNode[] = []
    const element: OpenElement = {
      prefix,
      localName,
      name: nameOf(prefix, localName),
      namespace: prefix === '' ? (scope.get('') ?? '') : resolvePrefix(prefix, scope),
      attributes: resolveAttributes(attributes, scope),
      scope,
      parent,
      children,
    }
    if (++this.elements > MAX_ELEMENTS) throw malformedXml('elements', `at most ${MAX_ELEMENTS}`)
    parent?.children.push(element)
    if (this.scanner.takes('/>')) return element
    this.scanner.require('>')
    this.open.push(element)
    if (this.open.length > MAX_DEPTH) throw malformedXml('depth', `at most ${MAX_DEPTH} levels`)
    return element
  }

  private attributes(): { attributes: Omit<XmlAttribute, 'namespace'>[]; declared: Map<string, string> } {
    const attributes: Omit<XmlAttribute, 'namespace'>[] = []
    const declared = new Map<string, string>()
    const seen = new Set<string>()
    // An attribute needs white space in front of it; what ends the tag is read by the caller.
    while (this.scanner.skipSpace() && !this.scanner.endsTag) {
      const { prefix, localName } = this.scanner.qualifiedName()
      this.scanner.skipSpace()
      this.scanner.require('=')
      this.scanner.skipSpace()
      const value = this.scanner.quotedValue()
      const name = nameOf(prefix, localName)
      if (seen.has(name)) throw malformedXml('attribute occurs twice', undefined, name)
      seen.add(name)
      if (seen.size > MAX_ATTRIBUTES) throw malformedXml('attributes', `at most ${MAX_ATTRIBUTES}`)
      if (name === 'xmlns') this.declareNamespace('', value, declared)
      else if (prefix === 'xmlns') this.declareNamespace(localName, value, declared)
      else attributes.push({ prefix, localName, value })
    }
    return { attributes, declared }
  }

  /** Namespaces in XML 1.0 Sections 2.3, 3 and 5; relative names have no canonical form (C14N 1.1 Section 1.3). */
  private declareNamespace(prefix: string, uri: string, into: Map<string, string>): void {
    if (++this.declarations > MAX_DECLARATIONS)
      throw malformedXml('namespace declarations', `at most ${MAX_DECLARATIONS}`)
    if (prefix === 'xml' || prefix === 'xmlns') throw malformedXml('declaration of a reserved prefix')
    if (uri === XML_NAMESPACE || uri === XMLNS_NAMESPACE)
      throw malformedXml('declaration of a reserved namespace')
    const isUndeclared = uri === '' && prefix === ''
    if (!isUndeclared && !/^[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]*$/.test(uri))
      throw malformedXml('namespace', 'an absolute URI', uri === '' ? 'nothing' : 'something else')
    into.set(prefix, uri)
  }
}

function resolveAttributes(
  attributes: readonly Omit<XmlAttribute, 'namespace'>[],
  scope: ReadonlyMap<string, string>,
): XmlAttribute[] {
  const resolved = attributes.map(({ prefix, localName, value }) => ({
    prefix,
    localName,
    value,
    namespace: prefix === '' ? '' : resolvePrefix(prefix, scope),
  }))
  // Two prefixes of one namespace are one name (Namespaces in XML 1.0 Section 6.3); names with one prefix differ.
  const first = attributes.find(({ prefix }) => prefix !== '')?.prefix
  if (attributes.some(({ prefix }) => prefix !== '' && prefix !== first)) {
    const names = new Set<string>()
    for (const { localName, namespace } of resolved) {
      const name = `${localName} ${namespace}`
      if (names.has(name)) throw malformedXml('attribute occurs twice', undefined, localName)
      names.add(name)
    }
  }
  return resolved
}

function resolvePrefix(prefix: string, scope: ReadonlyMap<string, string>): string {
  const namespace = scope.get(prefix)
  if (namespace === undefined) throw malformedXml('prefix', 'a declared one', prefix)
  return namespace
}

function nameOf(prefix: string, localName: string): string {
  return prefix === '' ? localName : `${prefix}:${localName}`
}

function requireBlank(text: string): void {
  if (!/^[ \t\n]*$/.test(text)) throw malformedXml('text outside of the root element')
}
