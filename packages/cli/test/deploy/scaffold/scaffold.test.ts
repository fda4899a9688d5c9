import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { commands } from '../../../src/commands/index.ts'
import { packCode } from '../../../src/deploy/app/pack.ts'
import { readDeploymentFile } from '../../../src/deploy/file/index.ts'
import { type Template, TEMPLATES } from '../../../src/deploy/scaffold/scaffold.ts'
import { runInMemory, type RunResult } from '../../support/memory-io.ts'

let cwd: string
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'sotto-init-'))
  onTestFinished(() => {
    chmodSync(cwd, 0o700)
    rmSync(cwd, { recursive: true })
  })
})

const init = (...args: string[]): Promise<RunResult> => runInMemory(commands, ['init', ...args], { cwd })
const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()

describe('sotto init', () => {
  it.each(TEMPLATES)(
    '%s: writes what sotto deploy takes, and says what to do',
    async (template: Template) => {
      const { code, stdout, stderr } = await init('notes', '--template', template)
      expect([code, stderr]).toEqual([0, ''])
      expect(stdout).toContain('notes is begun in ')
      expect(stdout).toMatch(/\ntry: cd notes, sotto test, sotto deploy\n$/)
      const folder = join(cwd, 'notes')
      const file = await readDeploymentFile(folder)
      expect(file).toMatchObject({ name: 'notes', target: 'local' })
      if (file.app) expect((await packCode(file.app.code)).files).toBeGreaterThan(0)
      expect(
        filesBelow(folder).filter((path) => /(?:^|\/)(?:\.sotto|\.git|node_modules)\//.test(path)),
      ).toEqual([])
    },
  )

  it('writes into this folder where none is named, under a name like it', async () => {
    const folder = join(cwd, 'My Notes 2!')
    mkdirSync(folder)
    const { stdout } = await runInMemory(commands, ['init', '--template', 'models', '--json'], {
      cwd: folder,
    })
    expect(JSON.parse(stdout)).toEqual({ name: 'my-notes-2', folder, files: ['sotto.yaml'] })
  })

  it.each([
    ['ärger', 'rger'],
    ['123', 'app'],
    ['./---', 'app'],
    ['2fast', 'fast'],
    ['x'.repeat(80), 'x'.repeat(63)],
    ['a_b.c', 'a-b-c'],
    ['true', 'true'],
    ['null', 'null'],
  ])('a folder %j gives the name %j', async (folder, name) => {
    expect(await init(folder, '--template', 'models')).toMatchObject({ code: 0 })
    expect((await readDeploymentFile(join(cwd, folder))).name).toBe(name)
  })

  it.each(['Notes', '', '-a', 'a b', '../x', 'x'.repeat(64), 'name: x', '$&'])(
    'the name %j is refused, and nothing is written',
    async (name) => {
      const { code, stderr } = await init('notes', '--name', name)
      expect([code, stderr]).toEqual([2, expect.stringContaining('DEPLOY_FILE')])
      expect(readdirSync(cwd)).toEqual([])
    },
  )
})

describe('nothing that is there is replaced', () => {
  it.each<[string, (path: string) => void]>([
    ['a file', (path) => writeFileSync(path, 'mine')],
    ['a folder', (path) => mkdirSync(path)],
    ['a link to nothing', (path) => symlinkSync('nothing', path)],
  ])('%s in the place of any file ends it before anything is written', async (_what, put) => {
    const template = mkdtempSync(join(tmpdir(), 'sotto-init-all-'))
    onTestFinished(() => rmSync(template, { recursive: true }))
    await runInMemory(commands, ['init', 'x'], { cwd: template })
    for (const file of filesBelow(join(template, 'x'))) {
      const folder = mkdtempSync(join(cwd, 'f-'))
      mkdirSync(join(folder, file, '..'), { recursive: true })
      put(join(folder, file))
      const before = readdirSync(folder, { recursive: true })
      const { code, stderr } = await init(folder)
      expect([code, stderr]).toEqual([2, expect.stringContaining(`${file} is there already`)])
      expect(readdirSync(folder, { recursive: true })).toEqual(before)
    }
  })

  it('other files in the folder stay, and are no reason to end', async () => {
    writeFileSync(join(cwd, 'mine.txt'), 'mine')
    expect(await init('.', '--name', 'notes')).toMatchObject({ code: 0 })
    expect(readFileSync(join(cwd, 'mine.txt'), 'utf8')).toBe('mine')
  })

  it('a file in the place of a folder ends it, and leaves nothing half written', async () => {
    writeFileSync(join(cwd, 'app'), 'mine')
    const { code, stderr } = await init('.', '--name', 'notes')
    expect([code, stderr]).toEqual([2, expect.stringContaining('CLI_FILE')])
    expect(readdirSync(cwd)).toEqual(['app'])
    writeFileSync(join(cwd, 'notes'), 'a file')
    expect(await init('notes')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('CLI_FILE') as string,
    })
    expect(existsSync(join(cwd, 'notes', 'sotto.yaml'))).toBe(false)
  })
})
