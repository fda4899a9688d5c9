import { posix } from 'node:path'
import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { folderAddress, relativeAddress } from './addresses.ts'
import { drawPage, type Place } from './draw-page.ts'
import { renderPage } from './markdown.ts'
import type { Section } from './menu.ts'
import { type ReadSite, readSite, type SitePage, SiteProblems } from './read-site.ts'
import { findTarget } from './repository-links.ts'
import { searchIndex } from './search-index.ts'
import { folderBody, sourceBody } from './source-pages.ts'
import { sizeOf } from './svg.ts'
import type { Tree } from './tree.ts'

/** What a site is made of. */
export interface SiteSource {
  tree: Tree
  menu: readonly Section[]
  /** Pages that are written by programs: markdown by the file it would stand in. */
  generated?: ReadonlyMap<string, string>
  /** Style sheet, scripts and pictures of the site itself, by address. */
  parts?: ReadonlyMap<string, Uint8Array>
}

/**
 * The site: files by address, the same bytes for the same source.
 * @throws SiteProblems for a dead link or anchor, two pages of one title, a page nobody finds
 */
export function buildSite({
  tree: checkout,
  menu,
  generated = new Map(),
  parts = new Map(),
}: SiteSource): Map<string, Uint8Array> {
  const tree: Tree = {
    read: (path) => {
      const written = generated.get(path)
      return written === undefined ? checkout.read(path) : utf8(written)
    },
    list: (path) => checkout.list(path),
  }
  const site = readSite(tree, menu)
  const files = new Map<string, Uint8Array>(parts)
  const shown = menu
    .map((section) => ({
      ...section,
      entries: section.entries
        .filter(({ file }) => site.pages.has(file))
        .map(({ file, label }) => {
          const { address, title } = site.pages.get(file)!
          return { address, label: label ?? title }
        }),
    }))
    .filter(({ entries }) => entries.length > 0)
  const order = shown.flatMap(({ entries }) => entries)
  for (const page of site.pages.values()) {
    const at = order.findIndex(({ address }) => address === page.address)
    const place: Place = {
      menu: shown,
      ...(at > 0 && { previous: order[at - 1]! }),
      ...(at >= 0 && at + 1 < order.length && { next: order[at + 1]! }),
    }
    const body = renderPage(page, linksOf(tree, page, files))
    files.set(page.address, utf8(drawPage({ ...page, body }, place)))
  }
  for (const [file, address] of site.sources) {
    const text = fromUtf8(tree.read(file)!)
    files.set(address, utf8(drawPage(plainPage(file, address, sourceBody(file, text)), { menu: shown })))
  }
  for (const [file, address] of site.folders) {
    const body = folderBody(tree.list(file)!, (name) => addressIn(file, name, site, address))
    files.set(address, utf8(drawPage(plainPage(`${file}/`, address, body), { menu: shown })))
  }
  files.set('search-index.js', utf8(searchIndex([...site.pages.values()].filter(isFound(order)))))
  return new Map([...files].toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** Where the links of one page lead; pictures and files that are served as they are come along. */
function linksOf(
  tree: Tree,
  page: SitePage,
  files: Map<string, Uint8Array>,
): Parameters<typeof renderPage>[1] {
  const take = (file: string, address: string): Uint8Array => {
    const bytes = tree.read(file)!
    files.set(address, bytes)
    return bytes
  }
  return {
    link: (href) => {
      const target = findTarget(tree, page.file, href)
      if (target.kind === 'outside' || target.kind === 'dead') return href
      if (target.kind === 'asset') take(target.file, target.address)
      const anchor = target.kind === 'page' && target.anchor !== '' ? `#${target.anchor}` : ''
      if (target.address === page.address) return anchor || '#content'
      return relativeAddress(page.address, target.address) + anchor
    },
    picture: (source) => {
      const target = findTarget(tree, page.file, source)
      if (target.kind !== 'asset') throw new SiteProblems([`${page.file}: ${source} is not in docs/drawings`])
      const size = sizeOf(fromUtf8(take(target.file, target.address)))
      return { address: relativeAddress(page.address, target.address), ...size }
    },
  }
}

function addressIn(folder: string, name: string, site: ReadSite, from: string): string | undefined {
  const path = posix.join(folder, name)
  const to =
    site.pages.get(path)?.address ??
    site.sources.get(path) ??
    (site.folders.has(path) ? folderAddress(path) : undefined)
  return to === undefined ? undefined : relativeAddress(from, to)
}

function plainPage(title: string, address: string, body: string): Parameters<typeof drawPage>[0] {
  return { title, address, body, headings: [], tokens: [] }
}

const isFound =
  (order: readonly { address: string }[]) =>
  ({ address }: SitePage): boolean =>
    order.some((entry) => entry.address === address)
