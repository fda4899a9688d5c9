import { createHash } from 'node:crypto'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SottoError } from '@sotto/protocol/errors'
import { type EngineProgram, openEngineProgram } from '../../../src/engines/host/index.ts'
import { claim } from '../../../../../test/claims.ts'

const FILES = {
  'bin/node': 'Node itself',
  'engine.js': 'the engine',
  'node_modules/native/addon.node': 'a native addon',
  'node_modules/native/data.json': '{}',
}

let image: string
let program: EngineProgram

const at = (path: string): string => join(image, path)
const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex')
const refusal = async (): Promise<Partial<SottoError>> =>
  program.verify().then(
    () => ({}),
    (error: SottoError) => error,
  )

/** Flips one bit where the file lies, and leaves size and modification time as they were. */
function flip(path: string): void {
  const { atime, mtime } = statSync(path)
  const bytes = readFileSync(path)
  bytes[Math.floor(bytes.length / 2)]! ^= 1
  writeFileSync(path, bytes)
  utimesSync(path, atime, mtime)
}

beforeEach(async () => {
  image = mkdtempSync(join(tmpdir(), 'sotto-image-'))
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(join(at(path), '..'), { recursive: true })
    writeFileSync(at(path), text)
    chmodSync(at(path), 0o644)
  }
  writeFileSync(at('role.js'), 'the role')
  program = openEngineProgram({
    folder: image,
    preload: 'engine.js',
    files: Object.entries(FILES).map(([path, text]) => ({ path, mode: 0o644, sha256: sha256(text) })),
    except: ['role.js'],
  })
  // Long enough ago that digests are remembered, as those of an image that was not built just now.
  await new Promise((resolve) => setTimeout(resolve, 60))
  await program.verify()
})
afterEach(() => rmSync(image, { recursive: true }))

describe('the engine program', () => {
  it.each(Object.keys(FILES))(claim('T7', 'is refused for one flipped bit in %s'), async (path) => {
    const before = sha256(readFileSync(at(path)))
    flip(at(path))
    expect(await refusal()).toMatchObject({
      code: 'ENGINE_PROGRAM_CHANGED',
      action: 'stop',
      message: `${path} is not the file that was measured`,
      expected: before,
      found: sha256(readFileSync(at(path))),
    })
  })

  it('is refused for a file put in the place of another, and accepted when the bytes are back', async () => {
    writeFileSync(at('new'), 'another engine')
    renameSync(at('new'), at('engine.js'))
    expect(await refusal()).toMatchObject({ found: sha256('another engine') })
    writeFileSync(at('engine.js'), FILES['engine.js'])
    expect(await refusal()).toEqual({})
  })

  it.each<[string, () => void, Partial<SottoError>]>([
    [
      'is missing',
      () => rmSync(at('engine.js')),
      { message: 'engine.js is not in the image any more', found: 'nothing' },
    ],
    [
      'was added, which a library might load',
      () => writeFileSync(at('node_modules/native/extra.so'), 'x'),
      { expected: 'no such file', found: 'node_modules/native/extra.so' },
    ],
    [
      'has a name that is no text',
      () => writeFileSync(at('a\nline'), 'x'),
      { expected: 'no such file', found: 'a?line' },
    ],
    [
      'became executable',
      () => chmodSync(at('engine.js'), 0o755),
      { message: 'the mode of engine.js is not the one that was measured', expected: '644', found: '755' },
    ],
    [
      'became a link to the same bytes',
      () => {
        renameSync(at('engine.js'), `${image}.js`)
        symlinkSync(`${image}.js`, at('engine.js'))
      },
      { message: 'engine.js is no plain file any more' },
    ],
    [
      'went with the whole folder',
      () => rmSync(image, { recursive: true }),
      { message: 'the image cannot be read any more' },
    ],
  ])('is refused when a file %s', async (_what, change, expected) => {
    change()
    expect(await refusal()).toMatchObject({ code: 'ENGINE_PROGRAM_CHANGED', ...expected })
    mkdirSync(image, { recursive: true })
    rmSync(`${image}.js`, { force: true })
  })

  it('does not look at what no engine executes', async () => {
    writeFileSync(at('role.js'), 'another role')
    expect(await refusal()).toEqual({})
  })

  it('says which files it looks at', () => {
    expect(program.covers(at('engine.js'))).toBe(true)
    expect(program.covers(at('role.js'))).toBe(false)
    expect(program.covers('/usr/bin/node')).toBe(false)
  })
})
