import { globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '..')

// Where files share a process, a module is evaluated once: the hooks it registers then are those of one file only.
test('support files register no hooks by being imported', () => {
  const files = globSync(['packages/*/test/**/*.ts', 'test/**/*.ts'], { cwd: root }).filter(
    (file) => !file.endsWith('.test.ts') && !file.includes('node_modules'),
  )
  expect(files.length).toBeGreaterThan(100)
  const hooked = files.filter((file) =>
    /^(?:before|after)(?:All|Each)\(/m.test(readFileSync(resolve(root, file), 'utf8')),
  )
  expect(hooked).toEqual([])
})
