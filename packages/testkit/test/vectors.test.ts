import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { TLOG_FOLDER, tlogCases } from '@sotto/testkit/vectors'

const folder = join(
  process.env['SOTTO_VECTORS'] ?? resolve(import.meta.dirname, '../../../../shared/vectors'),
  TLOG_FOLDER,
)
const present = existsSync(folder)
if (!present && process.env['CI']) throw new Error(`vectors are missing: ${folder}`)

describe.skipIf(!present)('published proofs (skipped: SOTTO_VECTORS has no transport/tlog)', () => {
  it.each(present ? readdirSync(folder) : [])('%s: every case is judged as published', (file) => {
    let cases = 0
    for (const [name, run] of tlogCases(readFileSync(join(folder, file), 'utf8'))) {
      expect(run, name).not.toThrow()
      cases++
    }
    expect(cases).toBeGreaterThan(40)
  })
})

describe('the runner of published proofs', () => {
  const good = { desc: 'one leaf', wantErr: false, leafIdx: 0, treeSize: 1, proof: null, ...sameHash() }
  it('fails a good proof that is said to be bad, and a bad one that is said to be good', () => {
    const run = (vector: object): void =>
      [...tlogCases(JSON.stringify([vector]))].forEach(([, check]) => check())
    expect(() => run(good)).not.toThrow()
    expect(() => run({ ...good, wantErr: true })).toThrow('was accepted')
    expect(() => run({ ...good, leafIdx: 1 })).toThrow(expect.objectContaining({ code: 'MERKLE_INCLUSION' }))
    expect(() => run({ ...good, root: '!', wantErr: true })).toThrow('another reason')
  })
})

function sameHash(): { root: string; leafHash: string } {
  const hash = Buffer.alloc(32, 7).toString('base64')
  return { root: hash, leafHash: hash }
}
