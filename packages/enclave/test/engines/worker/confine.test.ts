import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { claim } from '../../../../../test/claims.ts'

const CONFINE_TO = new URL('../../../src/engines/worker/confine-to.ts', import.meta.url).href

let folder: string
const write = (path: string, text: string): void => {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sotto-confine-'))
  write(
    'image/preload.mjs',
    `
    import { registerHooks } from 'node:module'
    import { confineTo } from ${JSON.stringify(CONFINE_TO)}
    registerHooks({ resolve: confineTo(import.meta.dirname + '/') })
  `,
  )
  // One package in the image, and one that Node finds in a folder above it.
  write(
    'image/node_modules/inside/index.js',
    `
    let optional = 'absent'
    try { optional = require('planted') } catch (error) { if (error.code !== 'MODULE_NOT_FOUND') throw error }
    exports.optional = optional
  `,
  )
  write('node_modules/planted/index.js', `module.exports = 'PLANTED'`)
  write('outside.mjs', `export default 'OUTSIDE'`)
  write(
    'image/main.mjs',
    `
    import fs from 'fs'
    import { createRequire } from 'node:module'
    import { optional } from 'inside'
    const require = createRequire(import.meta.url)
    const tries = {
      import: () => import('planted'),
      relative: () => import('../outside.mjs'),
      data: () => import('data:text/javascript,export default 1'),
      require: () => require('planted'),
      absolute: () => require(${JSON.stringify(join(folder, 'outside.mjs'))}),
    }
    const seen = { builtin: typeof fs.readFileSync + typeof require('path').join, optional }
    for (const [name, run] of Object.entries(tries))
      seen[name] = await (async () => run())().then(() => 'loaded', (error) => error.code)
    console.log(JSON.stringify(seen))
  `,
  )
})
afterAll(() => rmSync(folder, { recursive: true }))

const run = (flags: string[]): Record<string, string> =>
  JSON.parse(
    execFileSync(process.execPath, [...flags, join(folder, 'image/main.mjs')], { encoding: 'utf8' }),
  ) as Record<string, string>

it('is needed: Node loads what lies in folders above', () => {
  expect(run([])).toMatchObject({ optional: 'PLANTED', import: 'loaded', require: 'loaded' })
})

it(claim('T7', 'modules come from the image or not at all'), () => {
  expect(run(['--import', pathToFileURL(join(folder, 'image/preload.mjs')).href])).toEqual({
    builtin: 'functionfunction',
    optional: 'absent',
    import: 'ERR_MODULE_NOT_FOUND',
    relative: 'ERR_MODULE_NOT_FOUND',
    data: 'ERR_MODULE_NOT_FOUND',
    require: 'MODULE_NOT_FOUND',
    absolute: 'MODULE_NOT_FOUND',
  })
})
