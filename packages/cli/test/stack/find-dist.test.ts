import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { findPages } from '../../src/console/pages.ts'
import { findDist, findLayout } from '../../src/stack/layout.ts'

function tree(...files: string[]): (path: string) => string {
  const root = mkdtempSync(join(tmpdir(), 'sotto-dist-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  for (const file of files) {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), '')
  }
  return (path) => join(root, path)
}

const SOURCE = 'checkout/packages/cli/src/main.ts'

test('what is built is found from sources and from the built command', () => {
  const at = tree(SOURCE, 'checkout/package-lock.json', 'checkout/dist/console/SHA256SUMS')
  for (const from of [SOURCE, 'checkout/dist/cli/sotto.js'])
    expect(findDist(pathToFileURL(at(from)).href, 'console/SHA256SUMS')).toBe(at('checkout/dist'))
})

test('what lies above the checkout is somebody else’s', async () => {
  const at = tree(
    SOURCE,
    'checkout/package-lock.json',
    'dist/console/SHA256SUMS',
    'dist/images/software/inference/role.js',
  )
  const from = pathToFileURL(at(SOURCE)).href
  await expect(findPages(from)).rejects.toMatchObject({ code: 'STACK_NOT_BUILT' })
  expect(() => findLayout(from)).toThrow(expect.objectContaining({ code: 'STACK_NOT_BUILT' }))
})
