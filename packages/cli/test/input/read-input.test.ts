import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFile, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openInput, readText } from '../../src/input/index.ts'
import { memoryIo, type WorldOptions } from '../support/memory-io.ts'

let cwd = ''
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'sotto-input-'))
  writeFileSync(join(cwd, 'a.txt'), 'hello')
  writeFileSync(join(cwd, 'empty.txt'), '')
  writeFileSync(join(cwd, 'blank.txt'), ' \n')
  writeFileSync(join(cwd, 'latin1.txt'), new Uint8Array([0x68, 0xe9]))
})
afterAll(() => rmSync(cwd, { recursive: true }))

const open = (names: string[], options: WorldOptions = {}): ReturnType<typeof openInput> =>
  openInput(memoryIo({ cwd, ...options }).io, names)

describe('openInput', () => {
  it('reads a file and knows its size', async () => {
    const input = await open(['a.txt'])
    expect([input.filename, input.size, await readText(input)]).toEqual(['a.txt', 5, 'hello'])
  })

  it('reads a pipe, however late its writer comes', async () => {
    const pipe = join(cwd, 'pipe')
    execFileSync('mkfifo', [pipe])
    const opening = open(['pipe'])
    const writer = setTimeout(() => writeFile(pipe, 'late words', () => {}), 100)
    const input = await opening
    expect([input.label, input.size, await readText(input)]).toEqual(['pipe', undefined, 'late words'])
    clearTimeout(writer)
  })

  it('stops waiting for a writer when it is interrupted', async () => {
    execFileSync('mkfifo', [join(cwd, 'silent')])
    const interrupt = new AbortController()
    const opening = open(['silent'], { signal: interrupt.signal })
    setTimeout(() => interrupt.abort(new DOMException('interrupted', 'AbortError')), 50)
    await expect(opening).rejects.toMatchObject({ name: 'AbortError' })
  })

  it('reads what the kernel calls empty and is not', async () => {
    expect(await readText(await open(['/proc/self/stat']))).toMatch(/^\d+ \(/)
  })

  it('does not read a pipe further than it may', async () => {
    await expect(readText(await open(['/dev/zero']), 1000)).rejects.toMatchObject({
      code: 'CLI_FILE',
      message: '/dev/zero is larger than 1000 bytes',
    })
  })

  it.each([['/dev/null'], ['empty.txt']])('says that %s is empty', async (name) => {
    await expect(open([name])).rejects.toMatchObject({
      code: 'CLI_FILE',
      message: `cannot read ${name}: it is empty`,
    })
  })

  it.each([['/dev/stdin'], ['/dev/fd/0'], ['/proc/self/fd/0']])(
    'knows %s for standard input',
    async (name) => {
      const input = await open([name], { stdin: ['hello'] })
      expect([input.filename, await readText(input)]).toEqual(['stdin', 'hello'])
      await expect(open([name, '-'], { stdin: ['x'] })).rejects.toMatchObject({ code: 'CLI_STDIN' })
    },
  )

  it('says that a folder is a folder', async () => {
    await expect(open(['.'])).rejects.toMatchObject({
      code: 'CLI_FILE',
      message: 'cannot read .: it is a folder',
    })
  })

  it('reads standard input, skipping empty chunks', async () => {
    const input = await open(['-'], { stdin: ['', 'he', '', 'llo'] })
    expect([input.size, await readText(input)]).toEqual([undefined, 'hello'])
  })

  it.each([
    ['a missing file', ['gone.txt'], {}, 'CLI_FILE'],
    ['a directory', ['.'], {}, 'CLI_FILE'],
    ['empty standard input', ['-'], { stdin: [''] }, 'CLI_STDIN'],
    ['a terminal', ['-'], { stdinTerminal: true }, 'CLI_STDIN'],
    ['standard input twice', ['-', '-'], { stdin: ['x'] }, 'CLI_STDIN'],
  ] as const)('refuses %s', async (_, names, options, code) => {
    await expect(open([...names], options)).rejects.toMatchObject({ code })
  })
})

describe('readText', () => {
  it.each([
    ['blank text', 'blank.txt', 100],
    ['bytes that are not UTF-8', 'latin1.txt', 100],
    ['more than the bound', 'a.txt', 4],
  ])('refuses %s', async (_, name, maxBytes) => {
    await expect(readText(await open([name]), maxBytes)).rejects.toMatchObject({ code: 'CLI_FILE' })
  })
})
