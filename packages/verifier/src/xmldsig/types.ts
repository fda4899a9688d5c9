/** An attribute that is no namespace declaration. */
export interface XmlAttribute {
  readonly prefix: string
  readonly localName: string
  /** Empty without a prefix: the default namespace is for elements only. */
  readonly namespace: string
  readonly value: string
}

/** An element of a document that was read. Nothing is proven about it. */
export interface XmlElement {
  /** Empty without one. */
  readonly prefix: string
  readonly localName: string
  /** Empty where none is declared. */
  readonly namespace: string
  readonly attributes: readonly XmlAttribute[]
  /** Namespace by prefix, of every declaration that is in force here; the default one has the prefix `''`. */
  readonly scope: ReadonlyMap<string, string>
  readonly parent: XmlElement | undefined
  /** Elements and text in document order; references are resolved, two texts are never neighbours. */
  readonly children: readonly XmlNode[]
}

/** Content of an element. */
export type XmlNode = XmlElement | string

/** Value of an attribute, undefined where the element has none of that name. */
export function attribute(element: XmlElement, localName: string, namespace = ''): string | undefined {
  return element.attributes.find((one) => one.localName === localName && one.namespace === namespace)?.value
}

/** Whether this is the element of that name in that namespace, whatever its prefix. */
export function isNamed(element: XmlElement, namespace: string, localName: string): boolean {
  return element.namespace === namespace && element.localName === localName
}
