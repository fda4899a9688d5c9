/**
 * The one script of the site: search by the static index, and the menu at the place of this page. Without it there is no
 * search, and everything else works. A section is found when it and its page's title have every word that was typed.
 */
import type { IndexedPage } from '../search-index.ts'

interface Hit {
  title: string
  heading: string
  address: string
  excerpt: string
  score: number
}

const MAX_HITS = 12
/** More of one page would hide the others. */
const MAX_OF_ONE_PAGE = 3
/** Names of signatures and routes come after what explains them. */
const REFERENCE = /^reference\//
/** Letters of text around the first word that was found. */
const BEFORE = 40
const AROUND = 140

const script = document.currentScript as HTMLScriptElement
const box = document.querySelector<HTMLElement>('search')!
const input = document.querySelector<HTMLInputElement>('#search')!
const list = document.querySelector<HTMLUListElement>('#search-results')!
const status = document.querySelector<HTMLElement>('#search-status')!

let loading: Promise<readonly IndexedPage[]> | undefined

/** A policy of 'self' for scripts alone lets no page fetch data, so the index is a script. */
function load(): Promise<readonly IndexedPage[]> {
  loading ??= new Promise((resolve, reject) => {
    const index = document.createElement('script')
    index.src = new URL('search-index.js', script.src).href
    index.addEventListener('load', () =>
      resolve((globalThis as unknown as { sottoSearchIndex: readonly IndexedPage[] }).sottoSearchIndex),
    )
    index.addEventListener('error', () => {
      loading = undefined
      reject(new Error('the index did not load'))
    })
    document.head.append(index)
  })
  return loading
}

function find(pages: readonly IndexedPage[], query: string): Hit[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return []
  const hits = pages.flatMap(([title, address, sections]) =>
    sections
      .map(([heading, anchor, text]) => ({
        title,
        heading,
        address: anchor === '' ? address : `${address}#${anchor}`,
        score: scoreOf(words, title, heading, text) * (REFERENCE.test(address) ? 0.3 : 1),
        excerpt: excerptOf(text, words),
      }))
      .filter(({ score }) => score > 0)
      .toSorted((one, other) => other.score - one.score)
      .slice(0, MAX_OF_ONE_PAGE),
  )
  return hits.toSorted((one, other) => other.score - one.score).slice(0, MAX_HITS)
}

/** 0 where a word is missing. What a title says is worth most at the top of its page. */
function scoreOf(words: readonly string[], title: string, heading: string, text: string): number {
  const [name, place, body] = [title, heading, text].map((part) => part.toLowerCase())
  let score = 0
  for (const word of words) {
    const inTitle = name!.includes(word)
    const worth =
      (inTitle && heading === '' ? 8 : 0) + (place!.includes(word) ? 6 : 0) + (body!.includes(word) ? 1 : 0)
    if (worth === 0 && !inTitle) return 0
    score += worth
  }
  return score
}

function excerptOf(text: string, words: readonly string[]): string {
  const lower = text.toLowerCase()
  const places = words.map((word) => lower.indexOf(word)).filter((at) => at >= 0)
  const start = Math.max(0, Math.min(...places, text.length) - BEFORE)
  const from = start === 0 ? 0 : text.indexOf(' ', start) + 1
  const piece = text.slice(from, from + AROUND)
  return `${from > 0 ? '… ' : ''}${piece}${from + AROUND < text.length ? ' …' : ''}`
}

function itemOf({ title, heading, address, excerpt }: Hit): HTMLLIElement {
  const link = document.createElement('a')
  link.href = new URL(address, script.src).href
  const name = document.createElement('strong')
  name.textContent = heading === '' ? title : `${title}: ${heading}`
  const words = document.createElement('span')
  words.textContent = excerpt
  link.append(name, words)
  const item = document.createElement('li')
  item.append(link)
  return item
}

async function search(): Promise<void> {
  const query = input.value.trim()
  try {
    const hits = find(await load(), query)
    if (input.value.trim() !== query) return
    list.replaceChildren(...hits.map((hit) => itemOf(hit)))
    status.textContent = query === '' ? '' : hits.length === 0 ? 'Nothing found' : `${hits.length} found`
  } catch {
    status.textContent = 'The index did not load'
  }
}

function links(): HTMLAnchorElement[] {
  return [...list.querySelectorAll('a')]
}

/** Up and down walk from the field through what was found. */
function walk(event: KeyboardEvent): void {
  const stops: HTMLElement[] = [input, ...links()]
  const at = stops.indexOf(document.activeElement as HTMLElement)
  const next = stops[at + (event.key === 'ArrowDown' ? 1 : -1)]
  if (at < 0 || next === undefined) return
  event.preventDefault()
  next.focus()
}

function close(): void {
  input.value = ''
  list.replaceChildren()
  status.textContent = ''
}

input.addEventListener('focus', () => void load().catch(() => undefined))
input.addEventListener('input', () => void search())
box.addEventListener('keydown', (event) => {
  if (event.key === 'ArrowDown' || event.key === 'ArrowUp') walk(event)
  if (event.key === 'Enter' && event.target === input) links()[0]?.click()
  if (event.key === 'Escape') {
    close()
    input.focus()
  }
})
document.addEventListener('keydown', (event) => {
  const isTyping = event.target instanceof HTMLInputElement || event.ctrlKey || event.metaKey || event.altKey
  if (event.key !== '/' || isTyping) return
  event.preventDefault()
  input.focus()
})
// Whoever goes elsewhere is done with it.
document.addEventListener('pointerdown', ({ target }) => {
  if (!box.contains(target as Node)) close()
})
box.hidden = false

const menu = document.querySelector<HTMLElement>('#menu')!
const here = menu.querySelector<HTMLElement>('[aria-current]')
if (here && here.offsetTop > menu.clientHeight) menu.scrollTop = here.offsetTop - menu.clientHeight / 2
