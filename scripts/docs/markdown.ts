import MarkdownIt, { type Token } from 'markdown-it'
import { escapeHtml } from './escape.ts'
import { highlight } from './highlight.ts'

/** A heading, and where its anchor is. */
export interface Heading {
  readonly level: number
  readonly id: string
  readonly text: string
}

/** A page's markdown, read. Links and pictures lead where its author wrote; {@link renderPage} sets them right. */
export interface ParsedPage {
  readonly tokens: readonly Token[]
  readonly headings: readonly Heading[]
  /** Addresses of links and pictures, as they stand there. */
  readonly links: readonly string[]
  readonly pictures: readonly string[]
  /** What must not be in a page. */
  readonly problems: readonly string[]
}

/** Where links of a page lead in the site. */
export interface Links {
  link(href: string): string
  /** A picture's address, width and height. */
  picture(source: string): { address: string; width: number; height: number }
}

const markdown = new MarkdownIt({ html: true, linkify: false, typographer: false })
const COMMENT = /^(?:\s*<!--(?:(?!-->)[^])*-->\s*)*$/

/** Reads a page: its headings get anchors as GitHub makes them. */
export function parsePage(text: string): ParsedPage {
  const tokens = markdown.parse(text, {})
  const headings: Heading[] = []
  const [links, pictures, problems]: string[][] = [[], [], []]
  const taken = new Map<string, number>()
  for (const [index, token] of tokens.entries()) {
    if (token.type === 'heading_open') {
      const words = plainText(tokens[index + 1]!.children ?? [])
      const id = anchorOf(words, taken)
      token.attrSet('id', id)
      headings.push({ level: Number(token.tag.slice(1)), id, text: words })
    }
    for (const part of [token, ...(token.children ?? [])]) {
      if (part.type === 'link_open') links!.push(part.attrGet('href') ?? '')
      if (part.type === 'image') pictures!.push(part.attrGet('src') ?? '')
      if (part.type === 'image' && part.content.trim() === '')
        problems!.push('a picture without words for it')
      if (part.type.startsWith('html_') && !COMMENT.test(part.content))
        problems!.push(`HTML: ${part.content.trim().slice(0, 40)}`)
    }
  }
  return { tokens, headings, links: links!, pictures: pictures!, problems: problems! }
}

/** `Who can read what` → `who-can-read-what`; the same words a second time get `-1`. */
function anchorOf(words: string, taken: Map<string, number>): string {
  const anchor = words
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-')
  const before = taken.get(anchor)
  taken.set(anchor, (before ?? -1) + 1)
  return before === undefined ? anchor : `${anchor}-${before + 1}`
}

/** The words of inline tokens. */
export function plainText(tokens: readonly Token[]): string {
  return tokens
    .map(({ type, content, children }) => {
      if (type === 'softbreak' || type === 'hardbreak') return ' '
      return type === 'image' ? plainText(children ?? []) : type.startsWith('html_') ? '' : content
    })
    .join('')
}

/** The page as HTML, in which no style or script stands. */
export function renderPage({ tokens }: ParsedPage, links: Links): string {
  return markdown.renderer.render([...tokens], markdown.options, { links } satisfies Env)
}

interface Env {
  links: Links
}

const { rules } = markdown.renderer
rules['html_block'] = () => ''
rules['html_inline'] = () => ''
rules['link_open'] = (tokens, index, _options, env) => {
  const href = tokens[index]!.attrGet('href') ?? ''
  const outside = /^https?:/.test(href) ? ' rel="noreferrer"' : ''
  return `<a href="${escapeHtml((env as Env).links.link(href))}"${outside}>`
}
rules['image'] = (tokens, index, _options, env) => {
  const token = tokens[index]!
  const { address, width, height } = (env as Env).links.picture(token.attrGet('src') ?? '')
  const alt = escapeHtml(plainText(token.children ?? []))
  return `<img class="drawing" src="${escapeHtml(address)}" width="${width}" height="${height}" alt="${alt}">`
}
rules['heading_close'] = (tokens, index) => {
  const { tag } = tokens[index]!
  const open = tokens[index - 2]!
  if (tag === 'h1') return '</h1>\n'
  const name = escapeHtml(plainText(tokens[index - 1]!.children ?? []))
  return ` <a class="anchor" href="#${open.attrGet('id')}" aria-label="Link to: ${name}">#</a></${tag}>\n`
}
rules['fence'] = (tokens, index) => {
  const { content, info } = tokens[index]!
  return codeBlock(content, info.trim().split(/\s+/)[0] ?? '')
}
rules['code_block'] = (tokens, index) => codeBlock(tokens[index]!.content, '')
rules['table_open'] = (tokens, index) => `<table${columnsOf(tokens, index) > 2 ? ' class="wide"' : ''}>\n`
rules['td_open'] = (tokens, index) => {
  const label = columnName(tokens, index)
  return `<td${label === '' ? '' : ` data-label="${escapeHtml(label)}"`}>`
}
rules['th_open'] = (tokens, index) => {
  const isEmpty = (tokens[index + 1]?.content ?? '') === ''
  return isEmpty ? '<td>' : '<th scope="col">'
}
rules['th_close'] = (tokens, index) => ((tokens[index - 1]?.content ?? '') === '' ? '</td>\n' : '</th>\n')

/** Code can be wider than a phone: whoever has no mouse scrolls it with the keys, so it takes the focus. */
function codeBlock(code: string, language: string): string {
  // Of output every word is to be seen; code keeps its lines.
  const kind = language === 'text' ? ' class="output"' : ''
  return `<pre${kind} tabindex="0"><code>${highlight(code, language)}</code></pre>\n`
}

function columnsOf(tokens: readonly Token[], table: number): number {
  let columns = 0
  for (let at = table; tokens[at]?.type !== 'thead_close'; at++) if (tokens[at]?.type === 'th_open') columns++
  return columns
}

/** The heading of a cell's column: on a phone it stands before the cell. */
function columnName(tokens: readonly Token[], cell: number): string {
  let column = 0
  let at = cell
  while (tokens[--at]?.type !== 'tr_open') if (tokens[at]?.type === 'td_open') column++
  while (tokens[at]?.type !== 'table_open') at--
  for (let found = -1; tokens[at]?.type !== 'thead_close'; at++)
    if (tokens[at]?.type === 'th_open' && ++found === column) return plainText(tokens[at + 1]!.children ?? [])
  return ''
}
