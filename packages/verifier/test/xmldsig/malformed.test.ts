import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concat, utf8 } from '@sotto/protocol/bytes'
import { parseXml } from '@sotto/verifier/xmldsig'

const RUNS = process.env['SLOW'] ? 5000 : 300
const malformed = expect.objectContaining({ code: 'EVIDENCE_MALFORMED', action: 'fix-input' })
const nested = (depth: number): string => '<a>'.repeat(depth) + '</a>'.repeat(depth)

describe('XML is refused', () => {
  it.each<[string, string]>([
    ['that is empty', ''],
    ['without an element', '  \n '],
    ['with a DTD', '<!DOCTYPE a><a/>'],
    ['with an internal subset', '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'],
    ['with an external entity', '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'],
    [
      'with entities that expand (billion laughs)',
      '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;"><!ENTITY d "&c;&c;">]><a>&d;</a>',
    ],
    ['with a parameter entity', '<!DOCTYPE a [<!ENTITY % x "y"> %x;]><a/>'],
    ['with an entity that is not predefined', '<a>&nbsp;</a>'],
    ['with an entity named after a member of every object', '<a>&constructor;</a>'],
    ['with a reference that does not end', '<a>&amp</a>'],
    ['with a reference of no length', '<a>&;</a>'],
    ['with a long reference', `<a>&#${'0'.repeat(64)}65;</a>`],
    ['with a reference to NUL', '<a>&#0;</a>'],
    ['with a reference to a surrogate', '<a>&#xD800;</a>'],
    ['with a reference behind Unicode', '<a>&#x110000;</a>'],
    ['with a comment', '<a><!-- b --></a>'],
    ['with a comment inside a value', '<a>12<!-- -->34</a>'],
    ['with a comment in front', '<!-- b --><a/>'],
    ['with a CDATA section', '<a><![CDATA[b]]></a>'],
    ['with the end of a CDATA section', '<a>]]></a>'],
    ['with a processing instruction', '<a><?b c?></a>'],
    ['with a stylesheet', '<?xml-stylesheet href="x"?><a/>'],
    ['of another version', '<?xml version="1.1"?><a/>'],
    ['of another encoding', '<?xml version="1.0" encoding="UTF-16"?><a/>'],
    ['with a declaration that is not in front', ' <?xml version="1.0"?><a/>'],
    ['with a byte order mark', '\u{feff}<a/>'],
    ['with two root elements', '<a/><b/>'],
    ['with text behind the root', '<a/>b'],
    ['with text in front', 'b<a/>'],
    ['with an element that does not end', '<a><b></b>'],
    ['with an end tag alone', '</a>'],
    ['with crossed elements', '<a><b></a></b>'],
    ['with an end tag of another prefix', '<p:a xmlns:p="urn:p" xmlns:q="urn:p"></q:a>'],
    ['with a tag that does not end', '<a'],
    ['with an attribute without a value', '<a b/>'],
    ['with an attribute without quotes', '<a b=c/>'],
    ['with an attribute whose quotes do not end', '<a b="c/>'],
    ['with < in an attribute', '<a b="<"/>'],
    ['with attributes that touch', '<a b="1"c="2"/>'],
    ['with an attribute twice', '<a b="1" b="2"/>'],
    ['with an attribute twice under two prefixes', '<a xmlns:p="urn:x" xmlns:q="urn:x" p:b="1" q:b="2"/>'],
    ['with a declaration twice', '<a xmlns:p="urn:x" xmlns:p="urn:y"/>'],
    ['with an undeclared prefix', '<p:a/>'],
    ['with an attribute of an undeclared prefix', '<a p:b="1"/>'],
    ['with a prefix that is declared on a neighbour', '<a><b xmlns:p="urn:p"/><p:c/></a>'],
    ['that takes a prefix back', '<a xmlns:p="urn:p"><b xmlns:p=""/></a>'],
    ['that declares xml', '<a xmlns:xml="http://www.w3.org/XML/1998/namespace"/>'],
    ['that declares xmlns', '<a xmlns:xmlns="urn:x"/>'],
    [
      'that gives a prefix to the namespace of xml',
      '<a xmlns:p="http://www.w3.org/XML/1998/namespace" p:id="b"/>',
    ],
    ['with an attribute of xml', '<a xml:id="b"/>'],
    ['with a relative namespace', '<a xmlns="b"/>'],
    ['with a namespace that is not ASCII', '<a xmlns="urn:ü"/>'],
    ['with a name of several prefixes', '<a:b:c xmlns:a="urn:a"/>'],
    ['with a name that is not ASCII', '<ä/>'],
    ['with an empty name', '<>'],
    ['with a long name', `<${'a'.repeat(129)}/>`],
    ['with a control character', '<a>\u0001</a>'],
    ['with a noncharacter', '<a>\u{ffff}</a>'],
    ['that is too deep', nested(17)],
    ['with too many elements', `<a>${'<b/>'.repeat(4096)}</a>`],
    ['with too many attributes', `<a ${Array.from({ length: 65 }, (_, i) => `b${i}="1"`).join(' ')}/>`],
    [
      'with too many declarations',
      `<a>${Array.from({ length: 65 }, (_, i) => `<b xmlns:p${i}="urn:p"/>`).join('')}</a>`,
    ],
    ['with a long value', `<a b="${'c'.repeat(8193)}"/>`],
    ['that is too long', `<a>${' '.repeat(524_288)}</a>`],
  ])('%s', (_what, xml) => {
    expect(() => parseXml(utf8(xml))).toThrow(malformed)
  })

  it('that is not UTF-8', () => {
    expect(() => parseXml(concat(utf8('<a>'), Uint8Array.of(0xff), utf8('</a>')))).toThrow(malformed)
    // Overlong forms would be a second spelling of markup.
    expect(() => parseXml(concat(utf8('<a>'), Uint8Array.of(0xc0, 0xbc), utf8('</a>')))).toThrow(malformed)
  })

  it('and never with another error, whatever it is', () => {
    const piece = fc.constantFrom(
      '<a',
      '<b>',
      '</b>',
      '/>',
      '>',
      '&',
      '&lt;',
      ';',
      '"',
      "'",
      '=',
      ' ',
      'x',
      ':',
      'xmlns',
      '<!',
      '<?',
      ']]>',
      '\r',
    )
    const whatever = fc.oneof(
      fc.string(),
      fc.array(piece, { maxLength: 30 }).map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(whatever, (xml) => {
        if (!xml.isWellFormed()) return
        try {
          parseXml(utf8(xml))
        } catch (error) {
          expect(error).toMatchObject({ code: 'EVIDENCE_MALFORMED' })
        }
      }),
      { numRuns: RUNS },
    )
  })
})

describe('XML is read', () => {
  it('up to its bounds', () => {
    expect(() => parseXml(utf8(nested(16)))).not.toThrow()
    expect(() => parseXml(utf8(`<a>${'<b/>'.repeat(4095)}</a>`))).not.toThrow()
  })

  it('with the five entities and references to characters', () => {
    expect(parseXml(utf8('<a b="&lt;&#x41;">&amp;&gt;&apos;&quot;&#66;</a>'))).toMatchObject({
      attributes: [{ value: '<A' }],
      children: [`&>'"B`],
    })
  })

  it('with namespaces: the default one is for elements, and a prefix for what has it', () => {
    const root = parseXml(
      utf8(
        `<?xml version='1.0' encoding='utf-8' standalone='no' ?><a xmlns='urn:d' xmlns:p='urn:p' b='1' p:b='2'><p:c/></a>\n`,
      ),
    )
    expect(root).toMatchObject({ namespace: 'urn:d', localName: 'a' })
    expect(root.attributes.map(({ namespace }) => namespace)).toEqual(['', 'urn:p'])
    expect(root.children).toMatchObject([{ namespace: 'urn:p', prefix: 'p' }])
  })
})
