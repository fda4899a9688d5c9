import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CLAIMS, type Claim } from './claims.ts'

const root = resolve(import.meta.dirname, '..')

function* testFiles(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory() && entry.name !== 'node_modules') yield* testFiles(path)
    else if (entry.name.endsWith('.test.ts')) yield path
  }
}

function citations(): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const file of [...testFiles(join(root, 'packages')), ...testFiles(join(root, 'test'))]) {
    for (const [, ids] of readFileSync(file, 'utf8').matchAll(/\bclaim\(\s*(\[[^\]]*\]|'[^']*')/g)) {
      for (const [, id] of ids!.matchAll(/'([^']+)'/g)) found.set(id!, [...(found.get(id!) ?? []), file])
    }
  }
  return found
}

describe('the claims', () => {
  const cited = citations()
  const claims = Object.entries(CLAIMS) as [string, Claim][]

  it('are each cited by a test, unless deferred with a reason', () => {
    const uncited = claims.filter(([id, claim]) => !claim.deferred && !cited.has(id)).map(([id]) => id)
    expect(uncited).toEqual([])
  })

  it('cover every citation', () => {
    expect([...cited.keys()].filter((id) => !Object.hasOwn(CLAIMS, id))).toEqual([])
  })

  it('name a place in ARCHITECTURE.md', () => {
    const headings = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8')
    for (const [id, { source }] of claims) expect(headings, id).toContain(source.split(',')[0]!)
  })
})
