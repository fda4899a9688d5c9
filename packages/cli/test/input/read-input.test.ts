import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openInput, readText } from '../../src/input/index.ts'
import { memoryIo, type WorldOptions } from '../support/memory-io.ts'

let cwd = ''
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'sotto-input-'))
  writeFileSync(join(cwd, 'a.txt'), 'hello')
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
