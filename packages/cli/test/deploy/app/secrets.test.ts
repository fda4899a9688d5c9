import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromUtf8 } from '@sotto/protocol/bytes'
import { SottoError } from '@sotto/protocol/errors'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { readSecrets } from '../../../src/deploy/app/secrets.ts'

const SECRET = 'hunter2-hunter2'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sotto-secrets-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
})

function put(name: string, content: string | Uint8Array, mode = 0o600): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  chmodSync(path, mode)
  return path
}

type Sources = Parameters<typeof readSecrets>[1]
const read = async (sources: Sources, env: Record<string, string> = {}): Promise<unknown> =>
  JSON.parse(fromUtf8(await readSecrets('notes', sources, env)))

describe('secrets of a deployment', () => {
  it('name it, and stand in order whatever order they have in the file', async () => {
    const file = put('b', `${SECRET}\n`)
    const sources = { B: { file }, A: { env: 'from_here' } }
    const bytes = await readSecrets('notes', sources, { from_here: 'a' })
    expect(fromUtf8(bytes)).toBe(`{"deployment":"notes","values":{"A":"a","B":"${SECRET}"}}`)
    expect(await readSecrets('notes', { A: { env: 'from_here' }, B: { file } }, { from_here: 'a' })).toEqual(
      bytes,
    )
  })

  it.each([
    ['one line break at its end is not part of one', 'x\n', 'x'],
    ['nor one of Windows', 'x\r\n', 'x'],
    ['a second one is, and so are spaces', ' x \n\n', ' x \n'],
    ['lines within stay', '-----BEGIN\nabc\n-----END\n', '-----BEGIN\nabc\n-----END'],
    ['letters beyond ASCII stay', 'pä§\u{1F511}', 'pä§\u{1F511}'],
    ['as much as there may be', 'x'.repeat(32_768), 'x'.repeat(32_768)],
    ['as much as there may be, and a line break', `${'x'.repeat(32_768)}\r\n`, 'x'.repeat(32_768)],
  ])('%s', async (_what, content, value) => {
    expect(await read({ A: { file: put('a', content) } })).toMatchObject({ values: { A: value } })
  })
})

describe('a secret that cannot be one is named, and nothing of it is said', () => {
  const cases: [string, () => Sources, Record<string, string>, string, RegExp][] = [
    [
      'a variable that is not set',
      () => ({ KEY: { env: 'KEY' } }),
      {},
      'DEPLOY_APP',
      /the secret KEY is not set/,
    ],
    [
      'an empty variable',
      () => ({ KEY: { env: 'KEY' } }),
      { KEY: '' },
      'DEPLOY_APP',
      /the secret KEY is not set/,
    ],
    ['a variable of a prototype', () => ({ KEY: { env: 'constructor' } }), {}, 'DEPLOY_APP', /is not set/],
    [
      'a variable with NUL',
      () => ({ KEY: { env: 'KEY' } }),
      { KEY: `${SECRET}\0` },
      'DEPLOY_APP',
      /KEY cannot be a variable/,
    ],
    [
      'a variable that is too long',
      () => ({ KEY: { env: 'KEY' } }),
      { KEY: SECRET.repeat(3000) },
      'DEPLOY_APP',
      /KEY is too long/,
    ],
    [
      'a file that is not there',
      () => ({ KEY: { file: join(folder, 'none') } }),
      {},
      'DEPLOY_APP',
      /KEY has no file/,
    ],
    ['an empty file', () => ({ KEY: { file: put('a', '') } }), {}, 'DEPLOY_APP', /KEY is empty/],
    ['a line break alone', () => ({ KEY: { file: put('a', '\r\n') } }), {}, 'DEPLOY_APP', /KEY is empty/],
    [
      'a file with NUL',
      () => ({ KEY: { file: put('a', `${SECRET}\0`) } }),
      {},
      'DEPLOY_APP',
      /KEY cannot be a variable/,
    ],
    [
      'a file that is no UTF-8',
      () => ({ KEY: { file: put('a', Buffer.from(`${SECRET}\xff`, 'latin1')) } }),
      {},
      'DEPLOY_APP',
      /KEY cannot be a variable/,
    ],
    [
      'a file that is too long',
      () => ({ KEY: { file: put('a', SECRET.repeat(3000)) } }),
      {},
      'CLI_FILE',
      /too large/,
    ],
    [
      'a file that its group may read',
      () => ({ KEY: { file: put('a', SECRET, 0o640) } }),
      {},
      'CLI_FILE',
      /others may read/,
    ],
    [
      'a file that all may read',
      () => ({ KEY: { file: put('a', SECRET, 0o604) } }),
      {},
      'CLI_FILE',
      /others may read/,
    ],
    [
      'a file that others may write',
      () => ({ KEY: { file: put('a', SECRET, 0o602) } }),
      {},
      'CLI_FILE',
      /others may read/,
    ],
    [
      'a folder',
      () => ({ KEY: { file: (mkdirSync(join(folder, 'd'), { mode: 0o700 }), join(folder, 'd')) } }),
      {},
      'CLI_FILE',
      /cannot read/,
    ],
    [
      'more in all than an enclave takes',
      () => Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`KEY_${n}`, { env: 'KEY' }])),
      { KEY: SECRET.repeat(2000) },
      'DEPLOY_APP',
      /more than an enclave takes/,
    ],
  ]
  it.each(cases)('%s', async (_what, sources, env, code, why) => {
    const error = await readSecrets('notes', sources(), env).then(
      () => expect.unreachable('it was read'),
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(SottoError)
    const { message, expected, found, hint, cause } = error as SottoError
    expect([(error as SottoError).code, message]).toEqual([code, expect.stringMatching(why)])
    for (const said of [message, expected, found, hint, String(cause), (error as Error).stack])
      expect(said ?? '').not.toContain(SECRET)
  })
})
