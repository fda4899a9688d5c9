import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { canonicalXml, parseXml, type XmlElement } from '@sotto/verifier/xmldsig'

const RUNS = process.env['SLOW'] ? 2000 : 100
const canonical = (xml: string): string => fromUtf8(canonicalXml(parseXml(utf8(xml))))
const find = (element: XmlElement, localName: string): XmlElement =>
  element.children.find((child) => typeof child !== 'string' && child.localName === localName) as XmlElement

describe('the examples of Canonical XML 1.1 (W3C Recommendation, 2 May 2008), without DTD, comments and CDATA', () => {
  it('Section 3.2: white space in document content stays', () => {
    const xml = `<doc>
   <clean>   </clean>
   <dirty>   A   B   </dirty>
   <mixed>
      A
      <clean>   </clean>
      B
      <dirty>   A   B   </dirty>
      C
   </mixed>
</doc>`
    expect(canonical(xml)).toBe(xml)
  })

  it('Section 3.3: start and end tags', () => {
    const xml = `<doc>
   <e1   />
   <e2   ></e2>
   <e3   name = "elem3"   id="elem3"   />
   <e4   name="elem4"   id="elem4"   ></e4>
   <e5 a:attr="out" b:attr="sorted" attr2="all" attr="I'm"
      xmlns:b="http://www.ietf.org"
      xmlns:a="http://www.w3.org"
      xmlns="http://example.org"/>
   <e6 xmlns="" xmlns:a="http://www.w3.org">
      <e7 xmlns="http://www.ietf.org">
         <e8 xmlns="" xmlns:a="http://www.w3.org">
            <e9 xmlns="" xmlns:a="http://www.ietf.org"/>
         </e8>
      </e7>
   </e6>
</doc>`
    expect(canonical(xml)).toBe(`<doc>
   <e1></e1>
   <e2></e2>
   <e3 id="elem3" name="elem3"></e3>
   <e4 id="elem4" name="elem4"></e4>
   <e5 xmlns="http://example.org" xmlns:a="http://www.w3.org" xmlns:b="http://www.ietf.org" attr="I'm" attr2="all" b:attr="sorted" a:attr="out"></e5>
   <e6 xmlns:a="http://www.w3.org">
      <e7 xmlns="http://www.ietf.org">
         <e8 xmlns="">
            <e9 xmlns:a="http://www.ietf.org"></e9>
         </e8>
      </e7>
   </e6>
</doc>`)
  })

  it('Section 3.4: character modifications and character references', () => {
    const xml = `<doc>
   <text>First line&#x0d;&#10;Second line</text>
   <value>&#x32;</value>
   <compute expr='value>"0" &amp;&amp; value&lt;"10" ?"valid":"error"'>valid</compute>
   <norm attr=' &apos;   &#x20;&#13;&#xa;&#9;   &apos; '/>
</doc>`
    expect(canonical(xml)).toBe(`<doc>
   <text>First line&#xD;
Second line</text>
   <value>2</value>
   <compute expr="value>&quot;0&quot; &amp;&amp; value&lt;&quot;10&quot; ?&quot;valid&quot;:&quot;error&quot;">valid</compute>
   <norm attr=" '    &#xD;&#xA;&#x9;   ' "></norm>
</doc>`)
  })

  it('Section 3.6: UTF-8', () => {
    const xml = canonicalXml(parseXml(utf8('<?xml version="1.0" encoding="UTF-8"?>\n<doc>&#169;</doc>')))
    expect(xml).toEqual(Uint8Array.of(...utf8('<doc>'), 0xc2, 0xa9, ...utf8('</doc>')))
  })
})

describe('a canonical form', () => {
  it('of a part carries the namespaces that it inherits (Section 2.4)', () => {
    const root = parseXml(utf8('<a xmlns="urn:d" xmlns:p="urn:p" xmlns:q="urn:q"><p:b q="1"><c/></p:b></a>'))
    expect(fromUtf8(canonicalXml(find(root, 'b')))).toBe(
      '<p:b xmlns="urn:d" xmlns:p="urn:p" xmlns:q="urn:q" q="1"><c></c></p:b>',
    )
  })

  it('does not repeat declarations, and says where the default namespace ends', () => {
    expect(canonical('<a xmlns="urn:d"><b xmlns="urn:d"/><c xmlns=""><d xmlns=""/></c></a>')).toBe(
      '<a xmlns="urn:d"><b></b><c xmlns=""><d></d></c></a>',
    )
  })

  it('leaves one element out with what is in it, and nothing around it', () => {
    const root = parseXml(utf8('<a> <b>x<c/></b> y</a>'))
    expect(fromUtf8(canonicalXml(root, find(root, 'b')))).toBe('<a>  y</a>')
  })

  it('is the same for every way to write ends of lines', () => {
    expect(canonical('<a\r\nb="x\r\ny">1\r\n2\r3</a>')).toBe('<a b="x y">1\n2\n3</a>')
  })

  it('sorts attributes by namespace and not by prefix', () => {
    expect(canonical('<a xmlns:x="urn:2" xmlns:y="urn:1" x:k="1" y:k="2" z="3"/>')).toBe(
      '<a xmlns:x="urn:2" xmlns:y="urn:1" z="3" y:k="2" x:k="1"></a>',
    )
  })

  it('of a canonical form is the same', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9]{0,4}$/)
    const text = fc.string({
      unit: fc.constantFrom('a', '&', '<', '>', '"', "'", '\n', '\t', '\r', 'é', '😀'),
    })
    const escape = (value: string): string =>
      [...value].map((unit) => (/[&<>"'\t\n\r]/.test(unit) ? `&#${unit.codePointAt(0)};` : unit)).join('')
    const holding = (child: fc.Arbitrary<string>): fc.Arbitrary<string> =>
      fc
        .tuple(name, fc.uniqueArray(name, { maxLength: 4 }), text, fc.array(child, { maxLength: 3 }))
        .map(([tag, attributes, value, children]) => {
          const written = attributes.map((one) => ` ${one}='${escape(value)}'`).join('')
          return `<${tag}${written}>${escape(value)}${children.join('')}</${tag}>`
        })
    const element = holding(holding(holding(fc.constant('<x/>'))))
    fc.assert(
      fc.property(element, (xml) => {
        const once = canonical(xml)
        expect(canonical(once)).toBe(once)
      }),
      { numRuns: RUNS },
    )
  })
})
