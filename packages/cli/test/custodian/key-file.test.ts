import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { commands } from '../../src/commands/index.ts'
import { runInMemory, type RunResult } from '../support/memory-io.ts'

let cwd: string
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'sotto-custodian-'))
})
afterEach(() => rmSync(cwd, { recursive: true }))
const sotto = (...argv: string[]): Promise<RunResult> =>
  runInMemory(commands, ['custodian', ...argv], { cwd })

test('new writes a file for its owner alone and prints the public key, never the private ones', async () => {
  const made = await sotto('new', 'ada')
  expect(made.code).toBe(0)
  expect(made.stdout.trim()).toMatch(/^[A-Za-z0-9_-]{1664}$/)
  expect(statSync(join(cwd, 'ada')).mode & 0o777).toBe(0o600)
  const { wrapSeed, signingSeed } = JSON.parse(readFileSync(join(cwd, 'ada'), 'utf8')) as Record<
    string,
    string
  >
  for (const secret of [wrapSeed!, signingSeed!]) expect(made.stdout + made.stderr).not.toContain(secret)
  const shown = await sotto('show', 'ada', '--json')
  expect(JSON.parse(shown.stdout)).toEqual({
    key: made.stdout.trim(),
    fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
  })
})

test('new replaces no file, and fails where it cannot write', async () => {
  writeFileSync(join(cwd, 'ada'), 'something')
  const refused = await sotto('new', 'ada')
  expect(refused).toMatchObject({ code: 2, stdout: '' })
  expect(refused.stderr).toContain('exists already')
  expect(readFileSync(join(cwd, 'ada'), 'utf8')).toBe('something')
  expect((await sotto('new', 'no/such/folder/ada')).code).toBe(2)
})

test('a file that others may read is refused, with what to do', async () => {
  await sotto('new', 'ada')
  chmodSync(join(cwd, 'ada'), 0o644)
  const { code, stderr } = await sotto('show', 'ada')
  expect(code).toBe(2)
  expect(stderr).toContain('chmod 600')
})

test.each([
  ['nothing', ''],
  ['no JSON', '{'],
  ['another version', '{"version":2}'],
  ['a seed that is too short', '{"version":1,"wrapSeed":"c2VjcmV0","signingSeed":"c2VjcmV0"}'],
  ['a name twice', '{"version":1,"version":1,"wrapSeed":"c2VjcmV0","signingSeed":"c2VjcmV0"}'],
])('a file with %s is refused and not quoted', async (_, text) => {
  writeFileSync(join(cwd, 'ada'), text, { mode: 0o600 })
  for (const argv of [
    ['show', 'ada'],
    ['show', 'ada', '--json'],
    ['accept', 'ada', '--kms', 'http://x'],
  ]) {
    const { code, stdout, stderr } = await sotto(...argv)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).not.toContain('c2VjcmV0')
  }
})

test('a command that talks to a KMS needs to know which, and what is accepted', async () => {
  await sotto('new', 'ada')
  for (const command of ['accept', 'release'])
    expect((await sotto(command, 'ada')).stderr).toContain('CLI_USAGE')
  expect((await sotto('release', 'ada', '--kms', 'http://x')).stderr).toContain('no trust policy')
})
