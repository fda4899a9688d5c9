import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OWN_VARIABLES } from '@sotto/protocol/app-variables'
import { appEnvironment, appScript } from '../../src/app/environment.ts'

const PORTS = { port: 8080, apiPort: 61_080 }
const PRINT = ['-e', 'process.stdout.write(JSON.stringify(process.env))']

/** What a program finds that the script starts; `cd /app` is left out, for there is none here. */
function environmentOf(environment: Readonly<Record<string, string>>): Record<string, string> {
  const script = appScript(environment).replace('cd /app\n', '')
  const { stdout, status } = spawnSync('/bin/sh', ['-s', '--', process.execPath, ...PRINT], {
    env: {},
    input: script,
  })
  expect(status).toBe(0)
  return JSON.parse(stdout.toString()) as Record<string, string>
}

describe('the environment of an app', () => {
  it('says where it is, whatever its deployment sets', () => {
    const environment = appEnvironment(PORTS, { LANG: 'de_DE.UTF-8', MODE: 'a' }, { KEY: 'b', PORT: '1' })
    expect(environment).toMatchObject({
      LANG: 'de_DE.UTF-8',
      MODE: 'a',
      KEY: 'b',
      PORT: '8080',
      HOME: '/tmp',
    })
    expect(environment['OPENAI_BASE_URL']).toBe('http://127.0.0.1:61080/v1')
    for (const name of OWN_VARIABLES) expect(environment).toHaveProperty(name)
  })

  it('arrives as it was given, whatever characters it has', () => {
    const hostile = [
      '',
      "'",
      '"$(id)`id`',
      '\\',
      'a\nb',
      "'; exit 7 #",
      '\u0081\u0088',
      'ü€😀',
      '-n',
      '$A',
      '\r\t',
    ]
    const value = fc.oneof(fc.constantFrom(...hostile), fc.string({ unit: 'binary' }))
    const environment = fc.dictionary(
      fc.stringMatching(/^[A-Z]{3,8}$/).map((name) => `X_${name}`),
      value.filter((text) => !text.includes('\0') && text.isWellFormed()),
      { maxKeys: 12 },
    )
    fc.assert(
      fc.property(environment, (given) => {
        const found = environmentOf({ ...given })
        for (const [name, text] of Object.entries(given)) expect(found[name]).toBe(text)
      }),
      { numRuns: 15 },
    )
  })

  it('is nothing but what was given', () => {
    const { PWD: _, SHLVL: __, _: ___, ...found } = environmentOf({ A: 'b' })
    expect(found).toEqual({ A: 'b' })
  })

  it('ends as the app ends', () => {
    const run = (code: string) =>
      spawnSync('/bin/sh', ['-s', '--', '/bin/sh', '-c', code], {
        env: {},
        input: appScript({}).replace('cd /app\n', ''),
      }).status
    expect([run('exit 0'), run('exit 7')]).toEqual([0, 7])
  })
})
