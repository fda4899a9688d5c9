import { utf8 } from '@sotto/protocol/bytes'
import type { XmlAttribute, XmlElement } from './types.ts'

/** Identifier of Canonical XML 1.1 without comments (https://www.w3.org/TR/2008/REC-xml-c14n11-20080502/). */
export const C14N_11 = 'http://www.w3.org/2006/12/xml-c14n11'

/**
 * Canonical XML 1.1 of an element and everything in it (Sections 2.3 and 2.4), without comments, which
 * documents read here do not have. The element carries the namespaces that it inherits. Attributes of
 * `xml:`, where versions 1.0 and 1.1 differ, do not occur: the parser refuses them.
 *
 * @param omit an element that is left out with its content, the enveloped signature
 */
export function canonicalXml(apex: XmlElement, omit?: XmlElement): Uint8Array {
  return utf8(write(apex, NO_SCOPE, omit))
}

const NO_SCOPE: ReadonlyMap<string, string> = new Map()

/** Depth is bounded by the parser. */
function write(
  element: XmlElement,
  rendered: ReadonlyMap<string, string>,
  omit: XmlElement | undefined,
): string {
  const { prefix, localName, scope } = element
  const name = prefix === '' ? localName : `${prefix}:${localName}`
  let out = `<${name}`
  if (scope !== rendered) out += writeNamespaces(scope, rendered)
  for (const one of [...element.attributes].sort(byNamespaceAndName))
    out += ` ${one.prefix === '' ? '' : `${one.prefix}:`}${one.localName}="${escapeValue(one.value)}"`
  out += '>'
  for (const child of element.children) {
    if (typeof child === 'string') out += escapeText(child)
    else if (child !== omit) out += write(child, scope, omit)
  }
  return `${out}</${name}>`
}

/** Namespace axis: what differs from the nearest ancestor in the output, the default namespace first. */
function writeNamespaces(scope: ReadonlyMap<string, string>, rendered: ReadonlyMap<string, string>): string {
  return [...scope]
    .filter(([prefix, uri]) => uri !== (rendered.get(prefix) ?? ''))
    .sort(([a], [b]) => compare(a, b))
    .map(([prefix, uri]) => ` xmlns${prefix === '' ? '' : `:${prefix}`}="${escapeValue(uri)}"`)
    .join('')
}

function byNamespaceAndName(a: XmlAttribute, b: XmlAttribute): number {
  return compare(a.namespace, b.namespace) || compare(a.localName, b.localName)
}

/** Names and namespaces are ASCII here, so that code units are code points. */
function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#x9;',
  '\n': '&#xA;',
  '\r': '&#xD;',
}

function escapeText(text: string): string {
  return /[&<>\r]/.test(text) ? text.replaceAll(/[&<>\r]/g, (character) => ESCAPES[character]!) : text
}

function escapeValue(value: string): string {
  return /[&<"\t\n\r]/.test(value)
    ? value.replaceAll(/[&<"\t\n\r]/g, (character) => ESCAPES[character]!)
    : value
}
