import { spawnSync, type StdioOptions } from 'node:child_process'
import { closeSync, copyFileSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const ROOT = resolve(import.meta.dirname, '..')
let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'sotto-bootstrap-'))))
afterEach(() => rmSync(folder, { recursive: true }))

describe('npm run', () => {
  const npm = (name: string): { status: number | null; stdout: string; stderr: string } => {
    // As from a shell: not what the npm around these tests passes on.
    const env = { PATH: process.env['PATH'], HOME: folder }
    return spawnSync('npm', ['run', name], { cwd: folder, env, encoding: 'utf8' })
  }

  it('adds nothing of its own to what a script prints, and keeps its exit code', { timeout: 60_000 }, () => {
    copyFileSync(join(ROOT, '.npmrc'), join(folder, '.npmrc'))
    const scripts = { demo: 'echo "{}"', test: 'echo it failed >&2; exit 3' }
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'x', version: '1.0.0', scripts }))
    expect(npm('demo')).toMatchObject({ status: 0, stdout: '{}\n' })
    expect(npm('test')).toMatchObject({ status: 3, stdout: '', stderr: 'it failed\n' })
  })
})

describe('the command of a clone', () => {
  // A file that takes a low number: Node closes those for its children unless they are listed.
  it.each([
    ['/dev/fd/12', true],
    ['--policy=/proc/self/fd/12', true],
    ['/dev/fd/13', false],
    ['12', false],
  ])('given %s, passes on the open file 12: %s', { timeout: 60_000 }, (argument, isPassed) => {
    writeFileSync(join(folder, 'words'), 'words')
    const read =
      "import { readFileSync } from 'node:fs'\n" +
      'try { process.stdout.write(readFileSync(12)) } catch { process.stdout.write("not there") }\n'
    writeFileSync(join(folder, 'read.mjs'), read)
    const start =
      `import { passedOn, run } from ${JSON.stringify(join(ROOT, 'scripts/bootstrap.mjs'))}\n` +
      `const stdio = passedOn([${JSON.stringify(argument)}])\n` +
      `await run(process.execPath, [${JSON.stringify(join(folder, 'read.mjs'))}], { stdio })\n`
    writeFileSync(join(folder, 'start.mjs'), start)
    const fd = openSync(join(folder, 'words'), 'r')
    const stdio: StdioOptions = ['ignore', 'pipe', 'inherit', ...Array<'ignore'>(9).fill('ignore'), fd]
    const { stdout } = spawnSync(process.execPath, [join(folder, 'start.mjs')], { stdio, encoding: 'utf8' })
    closeSync(fd)
    expect(stdout).toBe(isPassed ? 'words' : 'not there')
  })
})
