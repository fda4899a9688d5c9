import { readFile } from 'node:fs/promises'
import { relative } from 'node:path'
import { type Plugin, transform } from 'esbuild'
import { compile, compileModule } from 'svelte/compiler'

/**
 * In the place of Svelte's maker of HTML, which asks for a policy of Trusted Types as soon as it is loaded: pages that forbid
 * every such policy would not start. Nothing here makes HTML out of a string, and what tried to would end.
 */
const NO_HTML = `
export function create_trusted_html() { throw new TypeError('no HTML is made out of strings here') }
export const create_fragment_from_html = create_trusted_html
`

/**
 * Compiles components and modules with runes. Elements are made one by one, not parsed from text, so that pages can forbid
 * all HTML out of strings (Trusted Types).
 *
 * @param root folder that names in the output are relative to: the same bytes wherever a checkout lies
 */
export function svelte(root: string): Plugin {
  return {
    name: 'svelte',
    setup(build) {
      build.onLoad({ filter: /svelte\/src\/internal\/client\/dom\/reconciler\.js$/ }, () => ({
        contents: NO_HTML,
        loader: 'js',
      }))
      build.onLoad({ filter: /\.svelte$/ }, async ({ path }) => {
        const source = await readFile(path, 'utf8')
        const { js, warnings } = compile(source, {
          filename: relative(root, path),
          generate: 'client',
          css: 'external',
          fragments: 'tree',
          runes: true,
          dev: false,
        })
        return {
          contents: js.code,
          loader: 'ts',
          errors: warnings.map(({ message }) => ({ text: `${path}: ${message}` })),
        }
      })
      build.onLoad({ filter: /\.svelte\.ts$/ }, async ({ path }) => {
        const { code } = await transform(await readFile(path, 'utf8'), { loader: 'ts', target: 'es2024' })
        const { js } = compileModule(code, { filename: relative(root, path), generate: 'client', dev: false })
        return { contents: js.code, loader: 'js' }
      })
    },
  }
}
