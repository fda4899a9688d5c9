import { assetAddress, folderAddress, pageAddress, repositoryPath, sourceAddress } from './addresses.ts'
import type { Tree } from './tree.ts'

/** What a link of a page leads to. */
export type Target =
  | { readonly kind: 'outside' }
  /** A page, and where in it. */
  | { readonly kind: 'page'; readonly file: string; readonly address: string; readonly anchor: string }
  /** A file or folder of the repository, shown as it is. */
  | { readonly kind: 'file' | 'folder'; readonly file: string; readonly address: string }
  | { readonly kind: 'asset'; readonly file: string; readonly address: string }
  | { readonly kind: 'dead'; readonly why: string }

/** Finds what a link in the file `from` leads to. Whether a page has the anchor is for whoever knows all pages. */
export function findTarget(tree: Tree, from: string, link: string): Target {
  if (/^https?:\/\//.test(link)) return { kind: 'outside' }
  if (/^[a-z][a-z+.-]*:/i.test(link)) return { kind: 'dead', why: 'neither http nor a path' }
  const [path = '', anchor = ''] = link.split('#')
  const file = path === '' ? from : repositoryPath(from, path)
  if (file === undefined) return { kind: 'dead', why: 'it leaves the repository' }
  if (file.endsWith('.md') && (file === from || tree.read(file) !== undefined))
    return { kind: 'page', file, address: pageAddress(file), anchor: decodeURIComponent(anchor) }
  const asset = assetAddress(file)
  if (tree.read(file) !== undefined)
    return asset === undefined
      ? { kind: 'file', file, address: sourceAddress(file) }
      : { kind: 'asset', file, address: asset }
  if (tree.list(file) !== undefined) return { kind: 'folder', file, address: folderAddress(file) }
  return { kind: 'dead', why: 'there is no such file' }
}
