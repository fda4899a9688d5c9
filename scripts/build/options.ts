import { resolve } from 'node:path'
import type { BuildOptions } from 'esbuild'

/** The checkout. */
export const root: string = resolve(import.meta.dirname, '../..')

/** How everything is bundled that Node runs. */
export const COMMON: BuildOptions = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  metafile: true,
  absWorkingDir: root,
  legalComments: 'none',
  logLevel: 'warning',
  // CommonJS dependencies call `require` for built-in modules; ESM has none.
  banner: {
    js: "import { createRequire as __cr } from 'node:module'; const require = __cr(import.meta.url);",
  },
}
