import { fromUtf8 } from '@sotto/protocol/bytes'
import { pageAddress, sourceAddress } from './addresses.ts'
import { type ParsedPage, parsePage } from './markdown.ts'
import type { Section } from './menu.ts'
import { findTarget } from './repository-links.ts'
import { isText } from './source-pages.ts'
import type { Tree } from './tree.ts'

/** A page of the site, read. */
export interface SitePage extends ParsedPage {
  readonly file: string
  readonly address: string
  readonly title: string
}

/** Everything that is wrong with the pages, to be mended at once. */
export class SiteProblems extends Error {
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

/** Folders whose pages must all stand in the menu. */
const WHOLE_FOLDERS = ['docs', 'docs/concepts', 'docs/guides']

/** What a site shows. */
export interface ReadSite {
  pages: Map<string, SitePage>
  /** Files and folders of the repository that pages lead to, by path. */
  sources: Map<string, string>
  folders: Map<string, string>
}

/**
 * Reads the pages of the menu, and whatever they lead to in the repository.
 * @throws SiteProblems for a dead link or anchor, two pages of one title, a page nobody finds
 */
export function readSite(tree: Tree, menu: readonly Section[]): ReadSite {
  const problems: string[] = []
  const site = readAll(tree, menu, problems)
  checkAnchors(tree, site, problems)
  problems.push(...sameTitles(site), ...missingInMenu(tree, menu))
  if (problems.length > 0) throw new SiteProblems(problems)
  return site
}

function readAll(tree: Tree, menu: readonly Section[], problems: string[]): ReadSite {
  const site: ReadSite = { pages: new Map(), sources: new Map(), folders: new Map() }
  const waiting: string[] = []
  for (const { file, isOptional } of menu.flatMap(({ entries }) => entries)) {
    if (tree.read(file) !== undefined) waiting.push(file)
    else if (!isOptional) problems.push(`${file}: in the menu, and not there`)
  }
  for (const file of waiting) {
    if (site.pages.has(file)) continue
    const page = readPage(file, fromUtf8(tree.read(file)!))
    site.pages.set(file, page)
    problems.push(...page.problems.map((problem) => `${file}: ${problem}`))
    for (const link of [...page.links, ...page.pictures]) {
      const target = findTarget(tree, file, link)
      if (target.kind === 'dead') problems.push(`${file}: dead link ${link}: ${target.why}`)
      if (target.kind === 'page') waiting.push(target.file)
      if (target.kind === 'file') addSource(tree, target.file, site, problems)
      if (target.kind === 'folder') {
        site.folders.set(target.file, target.address)
        for (const name of tree.list(target.file)!) {
          const inside = `${target.file}/${name}`
          if (name.endsWith('.md')) waiting.push(inside)
          else if (isText(inside)) addSource(tree, inside, site, problems)
        }
      }
    }
  }
  return site
}

function addSource(tree: Tree, file: string, { sources }: ReadSite, problems: string[]): void {
  if (isText(file) && tree.read(file) !== undefined) sources.set(file, sourceAddress(file))
  else problems.push(`${file}: linked to, and no text`)
}

function readPage(file: string, text: string): SitePage {
  const parsed = parsePage(text)
  const [first] = parsed.headings
  const problems = [...parsed.problems]
  const opening = parsed.tokens.find(({ type }) => type !== 'html_block')
  if (opening?.tag !== 'h1') problems.push('does not begin with its title')
  if (parsed.headings.filter(({ level }) => level === 1).length > 1) problems.push('has two titles')
  for (const [index, { level, text: words }] of parsed.headings.entries())
    if (index > 0 && level > parsed.headings[index - 1]!.level + 1)
      problems.push(`skips a level at: ${words}`)
  return { ...parsed, problems, file, address: pageAddress(file), title: first?.text ?? file }
}

function checkAnchors(tree: Tree, { pages }: ReadSite, problems: string[]): void {
  for (const { file, links } of pages.values())
    for (const link of links) {
      const target = findTarget(tree, file, link)
      if (target.kind !== 'page' || target.anchor === '') continue
      const ids = pages.get(target.file)?.headings.map(({ id }) => id) ?? []
      if (!ids.includes(target.anchor)) problems.push(`${file}: dead anchor ${link}`)
    }
}

function sameTitles({ pages }: ReadSite): string[] {
  const first = new Map<string, string>()
  return [...pages.values()].flatMap(({ file, title }) => {
    const other = first.get(title)
    first.set(title, other ?? file)
    return other === undefined ? [] : [`${file}: has the title of ${other}: ${title}`]
  })
}

function missingInMenu(tree: Tree, menu: readonly Section[]): string[] {
  const known = new Set(menu.flatMap(({ entries }) => entries.map(({ file }) => file)))
  return WHOLE_FOLDERS.flatMap((folder) =>
    (tree.list(folder) ?? [])
      .filter((name) => name.endsWith('.md') && !known.has(`${folder}/${name}`))
      .map((name) => `${folder}/${name}: has no place in the menu (scripts/docs/menu.ts)`),
  )
}
