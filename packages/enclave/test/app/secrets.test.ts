import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isReservedVariable } from '@sotto/protocol/app-variables'
import { utf8 } from '@sotto/protocol/bytes'
import { sealArtifact } from '@sotto/protocol/sealed'
import { openSecrets, parseSecrets } from '../../src/app/secrets.ts'
import { temporaryFolder } from './real-app.ts'

const parse = (text: string, names: readonly string[] = ['A']) =>
  parseSecrets(utf8(text), { name: 'chat', names })
const parseValue = (value: { deployment: string; values: object }) =>
  parse(JSON.stringify(value), Object.keys(value.values))
const thrownBy = (run: () => unknown): { code?: string; text: string } => {
  try {
    run()
  } catch (error) {
    const { code, message, expected, found, hint, cause } = error as Record<string, string>
    return { code: code!, text: JSON.stringify({ message, expected, found, hint, cause }) }
  }
  return { text: '' }
}

describe('secrets', () => {
  it('become environment variables', () => {
    const values = { API_KEY: 's3cret', CERTIFICATE: 'a\nb', EMPTY: '' }
    expect(parseValue({ deployment: 'chat', values })).toEqual(values)
  })

  it('of another deployment are refused by name', () => {
    const { code, text } = thrownBy(() => parseValue({ deployment: 'other-name', values: {} }))
    expect(code).toBe('APP_SECRETS_OTHER')
    expect(text).not.toContain('other-name')
  })

  it.each<[string, string]>([
    ['nothing', ''],
    ['no JSON', '{"deployment": "chat", "values": {"A": "hunter2"'],
    ['bytes behind', '{"deployment":"chat","values":{}} hunter2'],
    ['a list', '["hunter2"]'],
    ['null', 'null'],
    ['no deployment', '{"values":{"A":"hunter2"}}'],
    ['a deployment that is no name', '{"deployment":["chat"],"values":{}}'],
    ['no values', '{"deployment":"chat"}'],
    ['values that are a list', '{"deployment":"chat","values":["hunter2"]}'],
    ['values that are null', '{"deployment":"chat","values":null}'],
    ['a field nobody knows', '{"deployment":"chat","values":{},"hunter2":1}'],
    ['a value that is no text', '{"deployment":"chat","values":{"A":7}}'],
    ['a name in small letters', '{"deployment":"chat","values":{"hunter2":"a"}}'],
    ['a name of 65 characters', `{"deployment":"chat","values":{"${'A'.repeat(65)}":"a"}}`],
    ['a name with an equals sign', '{"deployment":"chat","values":{"A=B":"a"}}'],
    ['a key twice', '{"deployment":"chat","values":{"A":"hunter2","A":"b"}}'],
    ['__proto__', '{"deployment":"chat","values":{"__proto__":"hunter2"}}'],
    ['a zero byte', '{"deployment":"chat","values":{"A":"hunter2\\u0000"}}'],
    ['half of a character', '{"deployment":"chat","values":{"A":"hunter2\\ud800"}}'],
    ['a value that is too long', `{"deployment":"chat","values":{"A":"${'x'.repeat(32_769)}"}}`],
    ['a variable that the configuration does not name', '{"deployment":"chat","values":{"MODE":"hunter2"}}'],
    ['one more than it names', '{"deployment":"chat","values":{"A":"a","MODE":"hunter2"}}'],
    ['one less', '{"deployment":"chat","values":{}}'],
    ['deep nesting', `{"deployment":"chat","values":{"A":${'['.repeat(40)}${']'.repeat(40)}}}`],
  ])('are refused with %s, and not quoted', (_, text) => {
    const thrown = thrownBy(() => parse(text))
    expect(thrown.code).toBe('APP_SECRETS_MALFORMED')
    expect(thrown.text).not.toContain('hunter2')
  })

  it('never tell a program what to load, not even where the configuration names them', () => {
    for (const name of ['PORT', 'LD_PRELOAD', 'NODE_OPTIONS', 'PERL5OPT', 'PYTHONPATH', 'BASH_ENV']) {
      const { code, text } = thrownBy(() => parseValue({ deployment: 'chat', values: { [name]: 'hunter2' } }))
      expect(code, name).toBe('APP_SECRETS_MALFORMED')
      expect(text).not.toContain('hunter2')
    }
  })

  it('are text in UTF-8', () => {
    const thrown = thrownBy(() =>
      parseSecrets(new Uint8Array([0x7b, 0xff, 0x7d]), { name: 'chat', names: [] }),
    )
    expect(thrown.code).toBe('APP_SECRETS_MALFORMED')
  })

  it('come back as they were given, whatever characters they have; other bytes are refused by code', () => {
    const name = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,20}$/).filter((each) => !isReservedVariable(each))
    const text = fc.string({ unit: 'binary' }).filter((each) => !each.includes('\0') && each.isWellFormed())
    fc.assert(
      fc.property(fc.dictionary(name, text, { maxKeys: 20 }), (values) => {
        expect({ ...parseValue({ deployment: 'chat', values }) }).toEqual({ ...values })
      }),
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(thrownBy(() => parseSecrets(bytes, { name: 'chat', names: ['A'] })).code).toMatch(
          /^APP_SECRETS_/,
        )
      }),
    )
  })
})

describe('sealed secrets', () => {
  async function sealed(content: Uint8Array, change: { name?: string; cut?: number } = {}) {
    const directory = temporaryFolder()
    const contentKey = new Uint8Array(32).fill(7)
    const { id, sealed: parts } = sealArtifact({
      contentKey,
      plaintextBytes: content.length,
      source: [content],
      metadata: '',
    })
    const bytes = Buffer.concat(await Array.fromAsync(parts))
    writeFileSync(join(directory, 'secrets'), bytes.subarray(0, bytes.length - (change.cut ?? 0)))
    const config = {
      name: change.name ?? 'chat',
      directory,
      secrets: { file: 'secrets', artifact: id, names: ['API_KEY'] },
    }
    return { config, keys: new Map([[id, contentKey]]), id }
  }
  const CONTENT = utf8('{"deployment":"chat","values":{"API_KEY":"hunter2"}}')

  it('are opened with the content key of the release', async () => {
    const { config, keys } = await sealed(CONTENT)
    expect(await openSecrets(config, keys)).toEqual({ API_KEY: 'hunter2' })
  })

  it('are none where none are configured', async () => {
    expect(await openSecrets({ name: 'chat', directory: '/nowhere' }, new Map())).toEqual({})
  })

  it('are refused cut, under another key, for another app, too large and absent', async () => {
    const cut = await sealed(CONTENT, { cut: 1 })
    await expect(openSecrets(cut.config, cut.keys)).rejects.toMatchObject({ code: 'SEALED_TAMPERED' })
    const wrong = await sealed(CONTENT)
    const other = new Map([[wrong.id, new Uint8Array(32).fill(8)]])
    await expect(openSecrets(wrong.config, other)).rejects.toMatchObject({ code: 'SEALED_KEY' })
    const foreign = await sealed(CONTENT, { name: 'summaries' })
    await expect(openSecrets(foreign.config, foreign.keys)).rejects.toMatchObject({
      code: 'APP_SECRETS_OTHER',
    })
    const large = await sealed(new Uint8Array(2 ** 20 + 1))
    await expect(openSecrets(large.config, large.keys)).rejects.toMatchObject({
      code: 'APP_SECRETS_UNREADABLE',
    })
    const absent = { ...cut.config, secrets: { ...cut.config.secrets, file: 'nothing' } }
    await expect(openSecrets(absent, cut.keys)).rejects.toMatchObject({ code: 'APP_SECRETS_UNREADABLE' })
  })
})
