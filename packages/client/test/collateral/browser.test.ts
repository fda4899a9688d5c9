import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { expect, it } from 'vitest'

it('the fetcher needs nothing of Node', async () => {
  // esbuild refuses node: imports for browsers, so a bundle that builds has none.
  const { metafile } = await build({
    entryPoints: [fileURLToPath(new URL('../../src/collateral/index.ts', import.meta.url))],
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    logLevel: 'silent',
  })
  expect(Object.keys(metafile.inputs).filter((path) => /client\/src\/node\//.test(path))).toEqual([])
})
