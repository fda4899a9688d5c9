import { utf8 } from '@sotto/protocol/bytes'
import { documentDigest } from '@sotto/protocol/keyrelease'
import { parseXml, type XmlElement } from '@sotto/verifier/xmldsig'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { buildGraph, drawPage, drawSvg, drawText } from '../../../src/rooms/audit/index.ts'
import { anyGraph } from './any-graph.ts'

const SVG_ELEMENTS = new Set([
  'defs',
  'desc',
  'g',
  'marker',
  'path',
  'pattern',
  'rect',
  'style',
  'svg',
  'text',
  'title',
])

function elementsOf(element: XmlElement): XmlElement[] {
  const within = element.children.filter((child): child is XmlElement => typeof child !== 'string')
  return [element, ...within.flatMap(elementsOf)]
}

const anyAudit = fc
  .record({ contract: anyGraph, used: fc.nat({ max: 2_000_000 }) })
  .map(({ contract, used }) => {
    const spent = contract.inputs.flatMap(({ name, uses }) =>
      uses.map(({ transform }) => ({ input: name, transform, runs: used, epsilonMicros: used })),
    )
    const named = { contract, digest: documentDigest(utf8('any')) }
    return { named, graph: buildGraph(named, { runs: [], spent }) }
  })

describe('a drawing of any contract', () => {
  it('is well-formed XML of the elements that it is made of, whatever its title is', () => {
    fc.assert(
      fc.property(anyAudit, ({ graph }) => {
        const elements = elementsOf(parseXml(utf8(drawSvg(graph))))
        expect(elements.filter(({ localName }) => !SVG_ELEMENTS.has(localName))).toEqual([])
        const attributes = elements.flatMap((element) => element.attributes)
        for (const { localName, value } of attributes) {
          expect(localName).not.toMatch(/^on|href|^src$/)
          expect(value).not.toMatch(/NaN|Infinity|undefined|[a-z]+:\/\//)
        }
      }),
    )
  })

  it('puts no box over another, and every box within its edges', () => {
    fc.assert(
      fc.property(anyAudit, ({ graph }) => {
        const svg = drawSvg(graph)
        const [, width, height] = /viewBox="0 0 ([\d.]+) ([\d.]+)"/.exec(svg)!.map(Number)
        const boxes = [
          ...svg.matchAll(
            /translate\(([\d.]+) ([\d.]+)\)"><rect class="box" width="([\d.]+)" height="([\d.]+)"/g,
          ),
        ].map((match) => match.slice(1).map(Number) as [number, number, number, number])
        expect(boxes).toHaveLength(graph.inputs.length + graph.transforms.length + graph.outputs.length)
        for (const [at, [x, y, w, h]] of boxes.entries()) {
          expect(x >= 0 && y >= 0 && x + w <= width! && y + h <= height!).toBe(true)
          for (const [ox, oy, ow, oh] of boxes.slice(0, at))
            expect(x + w <= ox || ox + ow <= x || y + h <= oy || oy + oh <= y).toBe(true)
        }
      }),
    )
  })

  it('is a page in which nothing is markup but what the page is made of', () => {
    fc.assert(
      fc.property(anyAudit, ({ graph, named }) => {
        const page = drawPage({ ok: true, contract: named, checks: [], runs: [], gaps: [], graph })
        const tags = new Set([...page.matchAll(/<([a-z0-9]+)/gi)].map(([, tag]) => tag!))
        for (const tag of ['script', 'img', 'b', 'iframe', 'link', 'base']) expect(tags).not.toContain(tag)
        expect(page.match(/<style>/g)).toHaveLength(2)
        expect(page.match(/<title[ >]/g)).toHaveLength(2)
        // oxlint-disable-next-line no-control-regex
        expect(page).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u202a-\u202e\u2066-\u2069]/)
      }),
    )
  })

  it('is text of no more columns than there are, without a character that moves a cursor', () => {
    fc.assert(
      fc.property(anyAudit, fc.constantFrom(40, 60, 80, 120), ({ graph }, columns) => {
        const lines = drawText(graph, { columns })
        expect(lines.length).toBeGreaterThan(graph.inputs.length + graph.transforms.length)
        for (const line of lines) {
          const isOneWord = !line.replace(/^[ │├└─>]*/, '').includes(' ')
          if (!isOneWord) expect(line.length).toBeLessThanOrEqual(columns)
          expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u)
        }
      }),
    )
  })
})
