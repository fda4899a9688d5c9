import { utf8 } from '@sotto/protocol/bytes'
import { describe, expect, it } from 'vitest'
import { SiteProblems } from '../../scripts/docs/read-site.ts'
import { buildSite } from '../../scripts/docs/site.ts'
import type { Tree } from '../../scripts/docs/tree.ts'

/** A repository in memory. */
function treeOf(files: Record<string, string>): Tree {
  const names = Object.keys(files)
  return {
    read: (path) => (Object.hasOwn(files, path) ? utf8(files[path]!) : undefined),
    list: (path) => {
      const inside = names
        .filter((name) => name.startsWith(`${path}/`))
        .map((name) => name.slice(path.length + 1))
      if (inside.length === 0) return undefined
      return [...new Set(inside.map((name) => name.replace(/\/.*/, '/')))].toSorted()
    },
  }
}

function build(files: Record<string, string>, inMenu = ['docs/index.md']): Map<string, string> {
  const menu = [{ title: 'All', entries: inMenu.map((file) => ({ file })) }]
  const built = buildSite({ tree: treeOf(files), menu })
  return new Map([...built].map(([address, bytes]) => [address, new TextDecoder().decode(bytes)]))
}

function problemsOf(files: Record<string, string>, inMenu?: string[]): readonly string[] {
  try {
    build(files, inMenu)
  } catch (error) {
    if (error instanceof SiteProblems) return error.problems
    throw error
  }
  return []
}

const two = ['docs/index.md', 'docs/log.md']

describe('a build fails', () => {
  it.each([
    ['a link to no file', '[x](none.md)', 'docs/index.md: dead link none.md: there is no such file'],
    [
      'a link out of the repository',
      '[x](../../etc/passwd)',
      'docs/index.md: dead link ../../etc/passwd: it leaves the repository',
    ],
    ['a link of another kind', '[x](ftp://a)', 'docs/index.md: dead link ftp://a: neither http nor a path'],
    ['an anchor that the page has not', '[x](#none)', 'docs/index.md: dead anchor #none'],
    ['an anchor that another page has not', '[x](log.md#none)', 'docs/index.md: dead anchor log.md#none'],
    ['HTML', 'a <b style="x">bold</b> word', 'docs/index.md: HTML: <b style="x">'],
    ['a picture without words', '![](drawings/a.svg)', 'docs/index.md: a picture without words for it'],
    ['a level that is left out', '### Deep', 'docs/index.md: skips a level at: Deep'],
  ])('for %s', (_, text, problem) => {
    const files = {
      'docs/index.md': `# Start\n\n${text}\n`,
      'docs/log.md': '# Log\n',
      'docs/drawings/a.svg': '<svg/>',
    }
    expect(problemsOf(files, two)).toContain(problem)
  })

  it('for two pages of one title, a page in no menu, and a line of the menu without its page', () => {
    const files = { 'docs/index.md': '# Same\n', 'docs/log.md': '# Same\n', 'docs/lost.md': '# Lost\n' }
    expect(problemsOf(files, [...two, 'docs/gone.md'])).toEqual([
      'docs/gone.md: in the menu, and not there',
      'docs/log.md: has the title of docs/index.md: Same',
      'docs/lost.md: has no place in the menu (scripts/docs/menu.ts)',
    ])
  })

  it('once for all of it, so that everything can be mended together', () => {
    const files = { 'docs/index.md': '# A\n\n[x](b.md) [y](c.md)\n' }
    expect(problemsOf(files)).toHaveLength(2)
  })
})

it('text, code and addresses are escaped, and nothing is run or styled in a page', () => {
  const text =
    '# A & B < C\n\n`<img onerror=x>` "q" [l](https://e.example/?a=1&b="2")\n\n```ts\nconst a = "<script>" // <b>\n```\n\n|a|b|\n|:-:|-|\n|<!-- c -->x|y|\n'
  const html = build({ 'docs/index.md': text }).get('index.html')!
  expect(html).toContain('<title>A &amp; B &lt; C · Sotto</title>')
  expect(html).toContain('<code>&lt;img onerror=x&gt;</code>')
  expect(html).toContain('<span class="string">&quot;&lt;script&gt;&quot;</span>')
  expect(html).toContain('<span class="comment">// &lt;b&gt;</span>')
  expect(html).toContain('href="https://e.example/?a=1&amp;b=%222%22"')
  expect(html).not.toMatch(/<script>|<style| style=|onerror=x>|<!-- c/)
  expect(
    [...html.matchAll(/<(?:script|link|img)[^>]*(?:src|href)="([^"]+)"/g)].map(([, address]) => address),
  ).toEqual(['icon.svg', 'site.css', 'site.js'])
})

it('links lead to pages, files, folders and headings from wherever a page is', () => {
  const files = {
    'docs/index.md':
      '# Start\n\n[log](log.md#two-faces) [rule](../ARCHITECTURE.md)\n\n## Two `faces`\n\n## Two faces\n',
    'docs/log.md':
      '# Log\n\n[back](index.md) [code](../packages/a/x.ts) [all](../packages/a)\n\n## Two faces\n',
    'ARCHITECTURE.md': '# Architecture\n\n[again](docs/index.md#two-faces-1)\n',
    'packages/a/x.ts': 'export const a = "<"\n',
  }
  const site = build(files, two)
  expect(site.get('index.html')).toContain('href="log.html#two-faces"')
  expect(site.get('index.html')).toContain('href="architecture.html"')
  expect(site.get('log.html')).toContain('href="source/packages/a/x.ts.html"')
  expect(site.get('log.html')).toContain('href="source/packages/a/index.html"')
  expect(site.get('architecture.html')).toContain('href="index.html#two-faces-1"')
  expect(site.get('source/packages/a/index.html')).toContain('<a href="x.ts.html">x.ts</a>')
  expect(site.get('source/packages/a/x.ts.html')).toContain('&quot;&lt;&quot;')
})

it('previous and next follow the menu, and the index has every section', () => {
  const files = {
    'docs/index.md': '# Start\n\nhello\n',
    'docs/log.md': '# Log\n\n## Watch\n\nsecond key set\n',
  }
  const site = build(files, two)
  expect(site.get('index.html')).toContain('<a rel="next" href="log.html">')
  expect(site.get('log.html')).toContain('<a rel="prev" href="index.html">')
  expect(site.get('search-index.js')).toContain(
    '["Log","log.html",[["","",""],["Watch","watch","second key set"]]]',
  )
})
