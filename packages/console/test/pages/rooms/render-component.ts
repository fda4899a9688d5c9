import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, type Plugin } from 'esbuild'
import { compile } from 'svelte/compiler'

const FOLDER = join(import.meta.dirname, '../../../src/pages/rooms')

/** What a component shows with these properties, as markup. */
export type Render = (props: object) => string

/** Compiles a component of the page Rooms as it is, for a process without a browser. */
export async function loadComponent(name: string): Promise<Render> {
  const contents = `export { render } from 'svelte/server'; export { default as Component } from './${name}.svelte'`
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: FOLDER, loader: 'ts' },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    conditions: ['svelte'],
    external: ['*/rooms/audit'],
    plugins: [serverComponents],
  })
  const folder = await mkdtemp(join(tmpdir(), 'sotto-component-'))
  try {
    const path = join(folder, `${name}.mjs`)
    await writeFile(path, outputFiles[0]!.contents)
    const { render, Component } = (await import(pathToFileURL(path).href)) as {
      render: (component: unknown, options: { props: object }) => { body: string }
      Component: unknown
    }
    return (props) => render(Component, { props }).body
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** What a reader sees of markup. */
export function textOf(markup: string): string {
  return markup
    .replaceAll(/<!--.*?-->/gs, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll('&lt;', '<')
    .replaceAll('&amp;', '&')
    .replaceAll(/\s+/g, ' ')
}

const serverComponents: Plugin = {
  name: 'server-components',
  setup({ onLoad }) {
    onLoad({ filter: /\.svelte$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8')
      const { js } = compile(source, { filename: path, generate: 'server', runes: true })
      return { contents: js.code, loader: 'ts' }
    })
  },
}
