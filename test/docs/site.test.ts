import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'
import { checkSnippets, snippetsOf } from '../../scripts/docs/snippets.ts'
import { buildSite } from '../../scripts/docs/site.ts'
import { siteSource } from '../../scripts/docs/source.ts'
import { type Claim, CLAIMS } from '../claims.ts'

const root = resolve(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

it('the documentation builds: no dead link or anchor, every page in the menu, the same bytes twice', async () => {
  // Pages of the packages take a compiler's time; `npm run docs` makes them.
  const source = await siteSource(root, { reference: false })
  const site = buildSite(source)
  expect([...buildSite(source)]).toEqual([...site])
  const pages = [...site].filter(([address]) => address.endsWith('.html'))
  for (const [address, bytes] of pages) {
    const html = new TextDecoder().decode(bytes)
    expect(html, address).not.toMatch(/<script(?! src="[^:"]+" defer>)|<style|\sstyle=|\son[a-z]+=/)
  }
})

it('every block of TypeScript in the pages compiles', { timeout: 120_000 }, () => {
  const pages = ['README.md', ...globSync(['docs/**/*.md', 'examples/*/README.md'], { cwd: root }).toSorted()]
  const snippets = pages.flatMap((page) => snippetsOf(page, read(page), 'ts'))
  expect(snippets.length).toBeGreaterThan(10)
  // One that is wrong shows that the others are looked at.
  const code = "import { connect } from '@sotto/client'\nconnect()"
  expect(checkSnippets(root, [...snippets, { file: 'a.md', line: 3, code, info: [] }])).toEqual([
    expect.stringMatching(/^a\.md:4: Expected 2 arguments/),
  ])
})

it('the threat model names promises that are kept, and every attack has one', () => {
  const rows = read('docs/threat-model.md')
    .split('\n')
    .filter((line) => /^\|.*`/.test(line))
  expect(rows.length).toBeGreaterThan(30)
  for (const row of rows) {
    const cited = [
      ...row
        .split('|')
        .at(-2)!
        .matchAll(/`([^`]+)`/g),
    ].map(([, id]) => id!)
    expect(cited.length, row).toBeGreaterThan(0)
    for (const id of cited) {
      expect(Object.keys(CLAIMS), row).toContain(id)
      expect((CLAIMS as Record<string, Claim>)[id]!.deferred, row).toBeUndefined()
    }
  }
})

it('every drawing has a title and a description, its own dark colours, and letters that a phone shows', () => {
  const drawings = globSync('docs/drawings/*.svg', { cwd: root })
  expect(drawings.length).toBeGreaterThan(6)
  for (const drawing of drawings) {
    const svg = read(drawing)
    expect(svg, drawing).toMatch(/<title id="title">[^<]+<\/title>\s*<desc id="about">[^<]+<\/desc>/)
    expect(svg, drawing).toContain('prefers-color-scheme: dark')
    expect(svg, drawing).not.toMatch(/<script|<image|href=|url\((?!#)|@import/)
    const [, width] = /viewBox="0 0 (\d+)/.exec(svg)!
    const sizes = [...svg.matchAll(/(?:font|font-size): (\d+)px/g)].map(([, size]) => Number(size))
    // On a phone of 390 pixels, 358 are left for the text.
    expect((Math.min(...sizes) * 358) / Number(width), drawing).toBeGreaterThanOrEqual(11.5)
  }
})
