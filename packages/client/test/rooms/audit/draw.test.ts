import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { bankAndRetailer, named, summaries } from '../../../../protocol/test/contract/contracts.ts'
import {
  type Audit,
  buildGraph,
  drawPage,
  drawSvg,
  drawText,
  groupChecks,
  runLines,
} from '../../../src/rooms/audit/index.ts'
import { layOut } from '../../../src/rooms/audit/layout.ts'
import { PARTY_MARKS } from '../../../src/rooms/audit/party-marks.ts'
import { markup, plain } from '../../../src/rooms/audit/plain.ts'

const spent = [{ input: 'customers', transform: 'spending', runs: 3, epsilonMicros: 1_500_000 }]
const graph = buildGraph(named(bankAndRetailer()), { runs: [], spent })

/** An audit of one run, with a failure in it and a gap before it. */
function audit(change: Partial<Audit> = {}): Audit {
  return {
    ok: false,
    contract: named(bankAndRetailer()),
    gaps: [{ from: 1, to: 1 }],
    graph,
    checks: [
      { name: 'run.proof', what: 'it is authentic', status: 'pass', proof: 0 },
      {
        name: 'run.proof',
        what: 'it is authentic',
        status: 'fail',
        proof: 1,
        code: 'ROOM_PROOF',
        found: '<b>',
      },
      { name: 'runs.complete', what: 'all are here', status: 'missing', found: 'none of 1' },
    ],
    runs: [
      {
        proof: 0,
        run: 'ab'.repeat(32),
        sequence: 2,
        at: 1_800_000_000,
        startedAt: 1_800_000_001,
        finishedAt: 1_800_000_002,
        transform: 'spending',
        template: 'segments',
        arguments: [{ name: 'region', value: '<i>north</i>\u202E' }],
        image: 'cd'.repeat(32),
        evidence: 'ef'.repeat(32),
        tuple: 'room',
        hardware: ['a machine'],
        software: true,
        charges: [{ input: 'customers', transform: 'spending', runs: 1, epsilonMicros: 500_000 }],
        inputs: [],
        steps: [{ transform: 'spending', kind: 'sql', task: '00'.repeat(32), commonWords: 4 }],
        outputs: [{ output: 'spent', digest: '00'.repeat(32), bytes: 2048, receivers: ['bank'] }],
      },
    ],
    ...change,
  }
}

describe('the drawing as text', () => {
  it('shows what a transform reads, what is used of each budget, and what leaves for whom under which rules', () => {
    const lines = drawText(graph)
    expect(lines.slice(lines.indexOf('spending  1 approved query, noise of ε 0.5'))).toEqual([
      'spending  1 approved query, noise of ε 0.5',
      '│ image cdcdcdcdcdcd, asked for 0 times',
      '├── [#.........] 3 of 100 runs, ε 1.5 of 2  customers of bank',
      '├── [..........] 0 of 100 runs              purchases of retailer',
      '└─> spent to bank',
      '    at most 1 MiB, released 0 times',
      '    at least 50 contributors; never shows iban; reviewed by retailer',
    ])
  })

  it('is readable where a terminal is narrow', () => {
    expect(drawText(graph, { columns: 60 })).toContain(
      '├── [#.........] 3 of 100 runs, ε 1.5 of 2  customers of',
    )
    expect(drawText(graph, { columns: 0 }).every((line) => line.length <= 50)).toBe(true)
  })

  it('names who alone may receive what comes of an input', () => {
    const letters = buildGraph(named(summaries()), { runs: [], spent: [] })
    expect(drawText(letters).join('\n')).toContain(
      '    only for reader; repeats at most 8 words; reviewed before release',
    )
  })

  it('shows runs with what they cost, and that others are not here', () => {
    expect(runLines(audit())).toEqual([
      'run 2  abababababab  2027-01-15 08:00:00 UTC',
      '    spending, query segments, in image cdcdcdcdcdcd',
      '    charged  customers for spending: 1 run, ε 0.5',
      '    released spent to bank, 2 KiB',
      '    repeats  4 words of a text',
      'runs whose proofs are not here: 1; budgets are used by them too',
    ])
  })
})

describe('the drawing as SVG', () => {
  it('says in words what it shows, and follows the theme of its reader', () => {
    const svg = drawSvg(graph)
    expect(svg).toContain('role="img" aria-labelledby="room-graph-title room-graph-desc"')
    expect(svg).toContain('bank brings customers, table.')
    expect(svg).toContain('spent comes from spending and goes to bank.')
    expect(svg).toContain('@media (prefers-color-scheme: dark)')
    expect(svg).not.toMatch(/<script|href|url\((?!#)|@import|https?:(?!\/\/www\.w3\.org\/2000\/svg")/)
  })

  it('shows a budget that is overdrawn', () => {
    const over = [{ input: 'customers', transform: 'spending', runs: 101, epsilonMicros: 0 }]
    expect(drawSvg(buildGraph(named(bankAndRetailer()), { runs: [], spent: over }))).toContain('class="over"')
    expect(drawSvg(graph)).not.toContain('class="over"')
  })

  it('gives no two of sixteen parties the same colour and pattern', () => {
    expect(new Set(PARTY_MARKS.map(({ light, pattern }) => light + pattern)).size).toBe(16)
    expect(new Set(PARTY_MARKS.map(({ dark, pattern }) => dark + pattern)).size).toBe(16)
  })
})

describe('the page', () => {
  it('allows its own two style sheets, and nothing else', () => {
    const page = drawPage(audit())
    const styles = [...page.matchAll(/<style>([^<]*)<\/style>/g)].map(([, style]) => style!)
    const hashes = styles.map((style) => `'sha256-${createHash('sha256').update(style).digest('base64')}'`)
    expect(hashes).toHaveLength(2)
    expect(page).toContain(
      `content="default-src 'none'; style-src ${hashes.join(' ')}; base-uri 'none'; form-action 'none'"`,
    )
    expect(page).not.toMatch(/style="|<script|src=|href=/)
  })

  it('tells of each run what was asked, who was charged, which program ran, and who received what', () => {
    const page = drawPage(audit())
    for (const cell of [
      'spending, query segments',
      'region = &lt;i&gt;north&lt;/i&gt;\uFFFD',
      'bank: 1 run and ε 0.5 of customers for spending',
      'room on a machine',
      'spent to bank, 2 KiB',
      '4 words of a text',
    ])
      expect(page).toContain(cell)
    expect(page).toContain('A software TEE')
    expect(page).toContain('Runs whose proofs are not here: 1.')
  })

  it('names the source of what failed, and shows what was found as text', () => {
    const page = drawPage(audit(), { sources: ['a.json', '<b>.json'] })
    expect(page).toContain('<p>&lt;b&gt;.json: <code>ROOM_PROOF</code></p><p>found: &lt;b&gt;</p>')
    expect(page).toContain('1 check failed')
    expect(drawPage(audit())).toContain('<p>proof 2: <code>ROOM_PROOF</code></p>')
  })

  it('never says that every check passed where something is not here, or nothing is', () => {
    const missing = audit({ ok: true, checks: audit().checks.slice(2) })
    expect(drawPage(missing)).toContain('No check failed, and not everything is here')
    expect(drawPage({ ok: false, checks: [], runs: [], gaps: [] })).toContain('Nothing could be checked')
    expect(drawPage(audit({ ok: true, checks: audit().checks.slice(0, 1) }))).toContain('Every check passed')
  })
})

describe('checks of one name', () => {
  it('are one group, which fails where one of them does', () => {
    expect(groupChecks(audit().checks)).toMatchObject([
      { name: 'run.proof', status: 'fail', passed: 1, others: [{ proof: 1 }] },
      { name: 'runs.complete', status: 'missing', passed: 0 },
    ])
    expect(groupChecks(audit().checks.toReversed())).toMatchObject([
      { name: 'runs.complete', status: 'missing' },
      { name: 'run.proof', status: 'fail' },
    ])
  })
})

describe('text of others', () => {
  it('is one line without anything that hides or turns text, and markup nowhere', () => {
    expect(plain('a\r\n\tb\u0000\u001B[2J\u202E\u2028\uD800\uFFFE')).toBe(
      'a b\uFFFD\uFFFD[2J\uFFFD\uFFFD\uFFFD\uFFFD',
    )
    expect(markup(`<a href="x">&'`)).toBe('&lt;a href=&quot;x&quot;&gt;&amp;&#39;')
  })

  it('is cut where it is long, and never through a character or an entity', () => {
    expect(plain('😀😀😀', 2)).toBe('😀…')
    expect(markup('&&&', 2)).toBe('&amp;…')
  })
})

describe('a layout', () => {
  it('leaves a lane for a line that passes a layer', () => {
    const box = (id: string, layer: number) => ({ id, layer, height: 100 })
    const boxes = [box('a', 0), box('b', 1), box('c', 2)]
    const lines = [
      { from: 'a', to: 'b' },
      { from: 'b', to: 'c' },
      { from: 'a', to: 'c' },
    ]
    const layout = layOut(boxes, lines)
    const passing = layout.lines[2]!
    expect(passing.map(({ layer }) => layer)).toEqual([0, 1, 2])
    expect(Math.abs(passing[1]!.y - layout.y.get('b')!)).toBeGreaterThanOrEqual(50 + 6)
  })

  it.each([
    ['back', { from: 'b', to: 'a' }],
    ['to itself', { from: 'a', to: 'a' }],
    ['nowhere', { from: 'a', to: 'c' }],
  ])('refuses a line that leads %s', (_, line) => {
    const boxes = [
      { id: 'a', layer: 0, height: 1 },
      { id: 'b', layer: 1, height: 1 },
    ]
    expect(() => layOut(boxes, [line])).toThrow(TypeError)
  })
})
