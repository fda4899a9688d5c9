import { plainText } from './markdown.ts'
import type { SitePage } from './read-site.ts'

/** Pages of whose sections only the names are found: there are thousands of words in signatures. */
const NAMES_ONLY = /^reference\/sdk/

/** `[heading, anchor, words]` of each section. */
export type IndexedSection = readonly [heading: string, anchor: string, words: string]
export type IndexedPage = readonly [title: string, address: string, sections: readonly IndexedSection[]]

/**
 * The index as a script: pages under a strict policy load no data, only their own scripts. It is asked for when somebody
 * begins to search.
 */
export function searchIndex(pages: readonly SitePage[]): string {
  const index = pages.map((page): IndexedPage => [page.title, page.address, sections(page)])
  return `globalThis.sottoSearchIndex=${JSON.stringify(index)}\n`
}

function sections(page: SitePage): IndexedSection[] {
  const found: [string, string, string[]][] = [['', '', []]]
  let heading = 0
  for (const [index, token] of page.tokens.entries()) {
    if (token.type === 'heading_open') {
      const { text, id } = page.headings[heading++]!
      if (heading > 1) found.push([text, id, []])
    } else if (token.type === 'inline' && page.tokens[index - 1]?.type !== 'heading_open') {
      found.at(-1)![2].push(plainText(token.children ?? []))
    } else if (token.type === 'fence') found.at(-1)![2].push(token.content)
  }
  return found.map(([text, id, words]) => [
    text,
    id,
    NAMES_ONLY.test(page.address) ? '' : words.join(' ').replaceAll(/\s+/g, ' ').trim(),
  ])
}
