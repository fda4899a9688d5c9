import { posix } from 'node:path'

/** Folders below docs/ whose files are served as they are. */
const ASSETS = /^docs\/(drawings|openapi)\/[^/]+$/

/** Where the page of a markdown file is served. */
export function pageAddress(file: string): string {
  const [, inDocs] = /^docs\/(.+)\.md$/.exec(file) ?? []
  if (inDocs !== undefined) return `${inDocs}.html`
  const [, example] = /^examples\/([^/]+)\/README\.md$/.exec(file) ?? []
  if (example !== undefined) return `examples/${example}.html`
  const [, atRoot] = /^([A-Z_]+)\.md$/.exec(file) ?? []
  if (atRoot !== undefined) return `${atRoot.toLowerCase().replaceAll('_', '-')}.html`
  return `source/${file.replace(/\.md$/, '.html')}`
}

/** Where a file of the repository is shown that is no page. */
export const sourceAddress = (path: string): string => `source/${path}.html`

/** Where a folder of the repository is listed. */
export const folderAddress = (path: string): string => `source/${path}/index.html`

/** Whether a file is served as it is, and where. */
export function assetAddress(file: string): string | undefined {
  return ASSETS.test(file) ? file.slice('docs/'.length) : undefined
}

/** An address as a page at `from` links to it: relative, so that the site works in any folder. */
export function relativeAddress(from: string, to: string): string {
  return posix.relative(posix.dirname(from), to)
}

/** A path as a link of the file `from` states it; undefined when it leaves the repository. */
export function repositoryPath(from: string, link: string): string | undefined {
  const path = posix.join(posix.dirname(from), decodeURIComponent(link)).replace(/\/$/, '')
  return path.startsWith('..') || path.startsWith('/') ? undefined : path
}
