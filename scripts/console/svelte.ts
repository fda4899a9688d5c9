import { readFile } from 'node:fs/promises'
import { relative } from 'node:path'
import { type Plugin, transform } from 'esbuild'
import { compile, compileModule } from 'svelte/compiler'

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
