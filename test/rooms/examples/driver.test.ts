import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { NO_QUERIES, runExample } from './run-example.ts'

const EXAMPLES = '../../../examples/rooms'
type Row = Record<string, string | number>

interface Search {
  createSearch(words: readonly string[]): (bytes: Buffer) => string[]
  searchFolder(
    folder: string,
    search: (bytes: Buffer) => string[],
    options?: { except?: string; since?: number },
  ): Promise<{ files: number; found: { path: string; word: string }[] }>
}
const { createSearch, searchFolder } = (await import(`${EXAMPLES}/driver/search.mjs`)) as Search
const { createChecks } = (await import(`${EXAMPLES}/driver/checks.mjs`)) as {
  createChecks(say: (line: string) => void): {
    that(what: string, isSo: boolean, found?: string): void
    rows(what: string, found: Row[], expected: Row[]): void
    failed: string[]
  }
}
const { longestPassage } = (await import(`${EXAMPLES}/letters/expected.mjs`)) as {
  longestPassage(summaries: string[], letters: string[]): number
}

describe('the search for planted words', () => {
  const WORD = 'Wilhelmina-0f1e2d3c'
  const search = createSearch([WORD])
  let folder: string
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'sotto-test-'))))
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it.each([0, 1, 2, 3, 4])('finds one in every form, %i bytes after something else', (before) => {
    const bytes = Buffer.concat([Buffer.alloc(before, 0xff), Buffer.from(WORD), Buffer.from(' and more')])
    for (const encoding of ['hex', 'base64', 'base64url'] as const)
      expect(search(Buffer.from(`{"x":"${bytes.toString(encoding)}"}`)), encoding).toEqual([WORD])
    expect(search(Buffer.from(bytes.toString('hex').toUpperCase()))).toEqual([WORD])
    expect(search(Buffer.concat([Buffer.alloc(before), Buffer.from(WORD, 'utf16le')]))).toEqual([WORD])
    expect(search(bytes)).toEqual([WORD])
  })

  it('finds nothing where it is not, nor where it is cut', () => {
    expect(search(Buffer.from(WORD.slice(1)))).toEqual([])
    expect(search(Buffer.from('Wilhelmina'))).toEqual([])
    expect(search(Buffer.alloc(0))).toEqual([])
  })

  it('looks at names and contents of all files below a folder', async () => {
    mkdirSync(join(folder, 'store', WORD), { recursive: true })
    writeFileSync(join(folder, 'store', 'log'), Buffer.from(WORD).toString('base64'))
    const { files, found } = await searchFolder(folder, search)
    expect(files).toBe(1)
    expect(found.map(({ path }) => path).sort()).toEqual([
      join(folder, 'store', WORD),
      join(folder, 'store', 'log'),
    ])
  })

  it('leaves out nothing of a copy of the build that was written since', async () => {
    const images = join(folder, 'images')
    mkdirSync(images)
    writeFileSync(join(images, 'dump'), WORD)
    const of = (since: number) => searchFolder(folder, search, { except: images, since })
    expect((await of(Date.now() + 60_000)).found).toEqual([])
    expect((await of(Date.now() - 60_000)).found).toEqual([{ path: join(images, 'dump'), word: WORD }])
  })
})

describe('checks', () => {
  it('say each, and remember which failed', () => {
    const lines: string[] = []
    const checks = createChecks((line) => lines.push(line))
    checks.that('water is wet', true)
    checks.that('the earth is flat', false, 'it is round')
    expect(lines).toEqual(['  ✓ water is wet', '  ✗ the earth is flat', '      it is round'])
    expect(checks.failed).toEqual(['the earth is flat'])
  })

  it.each<[what: string, found: Row[]]>([
    ['another figure', [{ n: 3 }]],
    ['a figure that is a little other', [{ n: 2.000_000_001 }]],
    ['a figure as text', [{ n: '2' }]],
    ['another column', [{ m: 2 }]],
    ['one row more', [{ n: 2 }, { n: 2 }]],
    ['no row', []],
  ])('take %s for another result', (_, found) => {
    const checks = createChecks(() => {})
    checks.rows('rows', found, [{ n: 2 }])
    expect(checks.failed).toEqual(['rows'])
  })

  it('take the last digits of fractions for what they are', () => {
    const checks = createChecks(() => {})
    checks.rows('rows', [{ n: 0.1 + 0.2 }], [{ n: 0.3 }])
    expect(checks.failed).toEqual([])
  })
})

describe('the longest passage', () => {
  it.each<[summaries: string[], letters: string[], words: number]>([
    [['the mill was sold'], ['My brother sold the mill.'], 2],
    [['He KEPT, the horses'], ['he kept the horses and the field'], 4],
    [['the lower', 'field'], ['and the lower field'], 3],
    [['the lower field'], ['the lower', 'field'], 2],
    [['a a a'], ['a a a a'], 3],
    [['nothing of it'], ['quite another text'], 0],
    [[''], [''], 0],
  ])('of %j in %j has %i words', (summaries, letters, words) => {
    expect(longestPassage(summaries, letters)).toBe(words)
  })
})

describe.each([
  ['bank-and-retailer', 1500],
  ['hospitals', 400],
  ['three-banks', 1500],
])('data of %s', (name, rows) => {
  it('are the same for the same seed, others for another, and as many as were asked for', async () => {
    const { generate } = (await import(`${EXAMPLES}/${name}/data.mjs`)) as {
      generate(options: { rows: number; seed: string }): object
    }
    const made = (seed: string, more = 0) => JSON.stringify(generate({ rows: rows + more, seed }))
    expect(made('1')).toBe(made('1'))
    expect(made('2')).not.toBe(made('1'))
    expect(made('1', rows).length).toBeGreaterThan(made('1').length * 1.5)
  })
})

describe('an example', () => {
  it.skipIf(NO_QUERIES).each([['0'], ['1.5'], ['many'], ['-3']])('refuses --rows %s', async (rows) => {
    const { code, stderr } = await runExample('hospitals', [`--rows=${rows}`])
    expect(code).toBe(1)
    expect(stderr).toContain('--rows takes a whole number from 400')
  })
})
