import type { Token } from 'markdown-it'
import { relativeAddress } from './addresses.ts'
import { escapeHtml } from './escape.ts'
import { type Heading, plainText } from './markdown.ts'

/** A page with its text as HTML. */
export interface DrawnPage {
  readonly title: string
  readonly address: string
  readonly body: string
  readonly headings: readonly Heading[]
  readonly tokens: readonly Token[]
}

export interface Stop {
  readonly address: string
  readonly label: string
}

/** Where a page stands among the others. */
export interface Place {
  readonly menu: readonly { readonly title: string; readonly entries: readonly Stop[] }[]
  readonly previous?: Stop
  readonly next?: Stop
}

/** From this many sections on, a page says what is on it. */
const MIN_CONTENTS = 3

/** The whole HTML of a page. Nothing of it comes from another origin, and no script or style stands in it. */
export function drawPage(page: DrawnPage, place: Place): string {
  const to = (address: string): string => escapeHtml(relativeAddress(page.address, address))
  const sections = page.headings.filter(({ level }) => level === 2)
  const contents = sections.length < MIN_CONTENTS ? '' : contentsOf(sections)
  const description = descriptionOf(page)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${escapeHtml(page.title)} · Sotto</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${description === '' ? '' : `<meta name="description" content="${escapeHtml(description)}">\n`}<link rel="icon" href="${to('icon.svg')}">
<link rel="stylesheet" href="${to('site.css')}">
<script src="${to('site.js')}" defer></script>
</head>
<body>
<a class="skip" href="#content">Skip to the text</a>
<header class="top">
<a class="home" href="${to('index.html')}">Sotto <span>documentation</span></a>
<search hidden>
<label for="search">Search</label>
<input id="search" type="search" autocomplete="off" spellcheck="false" placeholder="Search  /">
<p id="search-status" role="status"></p>
<ul id="search-results"></ul>
</search>
<button type="button" popovertarget="menu">Menu</button>
</header>
<div class="frame">
<nav id="menu" popover aria-label="Pages">
${place.menu.map((section) => sectionOf(section, page.address, to)).join('')}</nav>
<main id="content" tabindex="-1">
<article>
${page.body}</article>
${turnOf(place, to)}</main>
${contents}</div>
</body>
</html>
`
}

function sectionOf(
  { title, entries }: Place['menu'][number],
  here: string,
  to: (address: string) => string,
): string {
  const items = entries.map(({ address, label }) => {
    const current = address === here ? ' aria-current="page"' : ''
    return `<li><a href="${to(address)}"${current}>${escapeHtml(label)}</a></li>\n`
  })
  return `<h2>${escapeHtml(title)}</h2>\n<ul>\n${items.join('')}</ul>\n`
}

function contentsOf(sections: readonly Heading[]): string {
  const items = sections.map(({ id, text }) => `<li><a href="#${id}">${escapeHtml(text)}</a></li>\n`)
  return `<nav class="contents" aria-label="On this page">\n<h2>On this page</h2>\n<ul>\n${items.join('')}</ul>\n</nav>\n`
}

function turnOf({ previous, next }: Place, to: (address: string) => string): string {
  if (previous === undefined && next === undefined) return ''
  const link = (stop: Stop | undefined, words: string, rel: string): string =>
    stop === undefined
      ? ''
      : `<a rel="${rel}" href="${to(stop.address)}"><span>${words}</span> ${escapeHtml(stop.label)}</a>\n`
  return `<nav class="turn" aria-label="Previous and next">\n${link(previous, 'Previous', 'prev')}${link(next, 'Next', 'next')}</nav>\n`
}

/** The first paragraph. */
function descriptionOf({ tokens }: DrawnPage): string {
  const at = tokens.findIndex(({ type }) => type === 'paragraph_open')
  const words = at < 0 ? '' : plainText(tokens[at + 1]?.children ?? [])
  return words.length <= 160 ? words : `${words.slice(0, 157).replace(/\s+\S*$/, '')} …`
}
