import { describe, expect, it } from 'vitest'
import { appConfig, artifactsOf } from '../../src/app/config.ts'

const SHA = 'ab'.repeat(32)
const [ONE, TWO] = ['01'.repeat(16), '02'.repeat(16)] as const
const least = {
  name: 'chat',
  directory: '/srv/app',
  code: { file: 'code.tar', sha256: SHA },
  command: ['node', 'a.mjs'],
}
const secretsOf = (...names: string[]) => ({ secrets: { file: 'secrets', artifact: ONE, names } })
const decode = (change: object = {}) => appConfig({ ...least, ...change }, 'config.app')

describe('the configuration of an app', () => {
  it('has defaults for everything but its name, code and command', () => {
    expect(decode()).toEqual({
      ...least,
      env: {},
      port: 8080,
      healthcheck: { path: '/health', startSeconds: 60 },
      memoryBytes: 2 ** 30,
    })
  })

  it('names the artifacts whose keys it needs', () => {
    expect(artifactsOf(decode())).toEqual([])
    const sealed = decode({
      code: { ...least.code, artifact: ONE },
      secrets: { file: 'secrets.sealed', artifact: TWO, names: ['API_KEY'] },
    })
    expect(artifactsOf(sealed)).toEqual([ONE, TWO])
  })

  it.each<[string, object]>([
    ['a name with capitals', { name: 'Chat' }],
    ['a name of 64 characters', { name: 'a'.repeat(64) }],
    ['a file in another folder', { code: { file: '../code.tar', sha256: SHA } }],
    ['a hidden file', { code: { file: '.code', sha256: SHA } }],
    ['a digest in capitals', { code: { file: 'code.tar', sha256: SHA.toUpperCase() } }],
    ['a short artifact', { code: { file: 'code.tar', sha256: SHA, artifact: 'ab' } }],
    ['no command', { command: [] }],
    ['a word with a zero byte', { command: ['node', 'a\0b'] }],
    ['a port for root', { port: 80 }],
    ['a path that is none', { healthcheck: { path: 'health' } }],
    ['a path with a query', { healthcheck: { path: '/health?a' } }],
    ['a path with a line break', { healthcheck: { path: '/health\r\nhost: x' } }],
    ['no time to start', { healthcheck: { startSeconds: 0 } }],
    ['too little memory', { memoryBytes: 2 ** 20 }],
    ['a variable in small letters', { env: { path: '/' } }],
    ['a variable that an app is told', { env: { PORT: '1' } }],
    ['a variable with a zero byte', { env: { A: '\0' } }],
    ['a variable of a loader', { env: { LD_PRELOAD: '/app/a.so' } }],
    ['a variable of an interpreter', { env: { NODE_OPTIONS: '--import=data:text/javascript,' } }],
    [
      'more than a program can be started with',
      { env: Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`A${at}`, 'x'.repeat(32_768)])) },
    ],
    ['secrets in clear', { secrets: { file: 'secrets.json', names: [] } }],
    ['secrets whose names nobody measures', { secrets: { file: 'secrets', artifact: ONE } }],
    ['a secret of an interpreter', secretsOf('PYTHONSTARTUP')],
    ['a secret that an app is told', secretsOf('PORT')],
    ['a secret in small letters', secretsOf('key')],
    ['a secret twice', secretsOf('KEY', 'KEY')],
    ['a secret that is a variable too', { env: { KEY: 'a' }, ...secretsOf('KEY') }],
    ['too many secrets', secretsOf(...Array.from({ length: 65 }, (_, at) => `A${at}`))],
    ['secrets in the file of the code', { secrets: { file: 'code.tar', artifact: ONE, names: [] } }],
    [
      'one artifact for code and secrets',
      { code: { ...least.code, artifact: ONE }, secrets: { file: 'secrets', artifact: ONE, names: [] } },
    ],
    ['a field nobody knows', { replicas: 2 }],
  ])('refuses %s', (_, change) => {
    expect(() => decode(change)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  })
})
