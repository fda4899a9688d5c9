import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { utf8 } from '@sotto/protocol/bytes'
import { transform } from 'esbuild'
import { apiPages } from './api-pages.ts'
import { MENU, type Section } from './menu.ts'
import type { SiteSource } from './site.ts'
import { treeOf } from './tree.ts'

/** The documentation of this checkout. Without `reference`, pages of the packages are left out: they take a minute. */
export async function siteSource(root: string, options: { reference: boolean }): Promise<SiteSource> {
  const api = apiPages(await readFile(join(root, 'docs/openapi/inference.json'), 'utf8'))
  const sdk = options.reference
    ? await (await import('./sdk/pages.ts')).sdkPages(root)
    : new Map<string, string>()
  return {
    tree: treeOf(root),
    menu: withReference(MENU, api, sdk),
    generated: new Map([...api, ...sdk]),
    parts: await siteParts(),
  }
}

/** The style sheet, the search and the icon. */
export async function siteParts(): Promise<Map<string, Uint8Array>> {
  const read = (name: string): Promise<string> => readFile(join(import.meta.dirname, 'site', name), 'utf8')
  const [program, style, icon] = await Promise.all(['page.ts', 'site.css', 'icon.svg'].map(read))
  const script = await transform(program!, { loader: 'ts', minify: true, target: 'es2023', format: 'iife' })
  const css = await transform(style!, { loader: 'css', minify: true, target: 'es2023' })
  return new Map([
    ['site.js', utf8(script.code)],
    ['site.css', utf8(css.code)],
    ['icon.svg', utf8(icon!)],
  ])
}

/** Generated pages stand behind the reference, in the order in which they were made. */
function withReference(
  menu: readonly Section[],
  api: ReadonlyMap<string, string>,
  sdk: ReadonlyMap<string, string>,
): Section[] {
  const entries = (pages: ReadonlyMap<string, string>): Section['entries'] =>
    [...pages].map(([file, text]) => ({ file, label: /^# (?:HTTP API: )?(.*)/.exec(text)![1]! }))
  const made = [
    { title: 'HTTP reference', entries: entries(api) },
    { title: 'TypeScript reference', entries: entries(sdk) },
  ].filter((section) => section.entries.length > 0)
  return menu.flatMap((section) => (section.title === 'Reference' ? [section, ...made] : [section]))
}
