import { expect, test } from 'vitest'
import { createWorld } from '@sotto/testkit'
import { inferenceConfig } from '../../src/roles/config.ts'

const { policy } = await createWorld()
const minimal = {
  listen: { port: 0 },
  kms: { url: 'http://127.0.0.1:1' },
  log: { url: 'http://127.0.0.1:2' },
  policy,
  models: { directory: '/models', artifacts: [{ id: 'ab'.repeat(16), file: 'whisper.sealed' }] },
}

test('the smallest one decodes, with the policy as clients read it', () => {
  const config = inferenceConfig(minimal, 'config')
  expect([config.policy, config.metrics, config.maxUploadBytes]).toEqual([policy, undefined, 268_435_456])
})

test('the largest recording and the memory for those that wait go together', () => {
  const maxUploadBytes = 1_000_000
  expect(inferenceConfig({ ...minimal, maxUploadBytes }, 'config')).toMatchObject({
    maxUploadBytes,
    maxWaitingBytes: 4 * maxUploadBytes,
  })
  expect(
    inferenceConfig({ ...minimal, maxUploadBytes, maxWaitingBytes: maxUploadBytes }, 'config'),
  ).toMatchObject({ maxWaitingBytes: maxUploadBytes })
})

test('owners have nothing here unless a registry is named; what is loaded at once is bounded either way', () => {
  const { registry, models } = inferenceConfig(minimal, 'config')
  expect(registry).toBeUndefined()
  expect(models.loaded).toMatchObject({ maxModels: 8, maxPerOwner: 4, pinned: [] })
  const loaded = { maxBytes: 2 ** 30, maxModels: 2, idleSeconds: 60, pinned: [`${'a'.repeat(24)}/bear:3`] }
  const url = 'http://models:7100'
  const config = inferenceConfig(
    { ...minimal, registry: { url }, models: { ...minimal.models, loaded } },
    'config',
  )
  expect([config.registry, config.models.loaded]).toEqual([{ url }, { ...loaded, maxPerOwner: 4 }])
})

test.each([
  ['a pinned model that is none of an owner’s', { pinned: ['whisper-1'] }],
  ['no place for a model', { maxModels: 0 }],
  ['less than a mebibyte', { maxBytes: 1000 }],
  ['something unknown', { forever: true }],
])('refuses %s', (_, loaded) => {
  expect(() => inferenceConfig({ ...minimal, models: { ...minimal.models, loaded } }, 'config')).toThrowError(
    expect.objectContaining({ code: 'CONFIG_INVALID' }),
  )
})

test('aliases are read as a table, and there are none by default', () => {
  expect(inferenceConfig(minimal, 'config').aliases).toEqual({})
  const aliases = { 'whisper-1': 'sotto-ctc-synthetic-en', 'openai/GPT-4o:mini': 'org/model' }
  expect({ ...inferenceConfig({ ...minimal, aliases }, 'config').aliases }).toEqual(aliases)
})

const tokens = {
  issuer: { name: 'issuer.example', url: 'https://issuer.example', key: 'A'.repeat(43) },
  classes: { standard: { perSecond: 5, burst: 10 } },
}

test('tokens are spent at the KMS unless the gateway is to remember them by itself; without them none are taken', () => {
  expect(inferenceConfig(minimal, 'config').tokens).toBeUndefined()
  expect(inferenceConfig({ ...minimal, tokens }, 'config').tokens).toMatchObject({
    ...tokens,
    spentSet: 'kms',
  })
  const memory = { ...tokens, spentSet: 'memory', maxSpent: 1000 }
  expect(inferenceConfig({ ...minimal, tokens: memory }, 'config').tokens).toMatchObject(memory)
})

test.each<[string, object]>([
  ['tokens of no class', { ...minimal, tokens: { ...tokens, classes: {} } }],
  [
    'tokens of an issuer without a key',
    { ...minimal, tokens: { ...tokens, issuer: { ...tokens.issuer, key: 'A' } } },
  ],
  [
    'tokens of an issuer whose key has stray bits',
    { ...minimal, tokens: { ...tokens, issuer: { ...tokens.issuer, key: `${'A'.repeat(42)}B` } } },
  ],
  ['spent tokens in a place nobody knows', { ...minimal, tokens: { ...tokens, spentSet: 'database' } }],
  ['too little room for spent tokens', { ...minimal, tokens: { ...tokens, maxSpent: 10 } }],
  ['an alias with a space', { ...minimal, aliases: { 'whisper 1': 'a' } }],
  ['an alias that is too long', { ...minimal, aliases: { ['a'.repeat(129)]: 'a' } }],
  ['an alias of nothing', { ...minimal, aliases: { a: '' } }],
  ['an alias of what is no model id', { ...minimal, aliases: { a: 'Not An Id' } }],
  [
    'a long table of aliases',
    { ...minimal, aliases: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`a${i}`, 'b'])) },
  ],
  ['a largest recording of nothing', { ...minimal, maxUploadBytes: 0 }],
  ['a largest recording that no decoder reads', { ...minimal, maxUploadBytes: 2 ** 30 + 1 }],
  ['less memory than one recording takes', { ...minimal, maxUploadBytes: 2000, maxWaitingBytes: 1999 }],
  ['an unknown field', { ...minimal, debug: true }],
  ['no policy', { ...minimal, policy: undefined }],
  [
    'a model file outside its folder',
    { ...minimal, models: { directory: '/m', artifacts: [{ id: 'ab'.repeat(16), file: '../etc/passwd' }] } },
  ],
  [
    'a hidden model file',
    { ...minimal, models: { directory: '/m', artifacts: [{ id: 'ab'.repeat(16), file: '.x' }] } },
  ],
  [
    'an artifact id that is none',
    { ...minimal, models: { directory: '/m', artifacts: [{ id: 'x', file: 'a' }] } },
  ],
  ['a KMS that is no URL', { ...minimal, kms: { url: 'file:///kms' } }],
])('%s is refused', (_, config) => {
  expect(() => inferenceConfig(config, 'config')).toThrow(
    expect.objectContaining({ code: expect.stringMatching(/^(CONFIG_INVALID|POLICY_MALFORMED)$/) }),
  )
})

const app = {
  name: 'chat',
  directory: '/srv/app',
  code: { file: 'code.tar', sha256: 'cd'.repeat(32), artifact: '01'.repeat(16) },
  command: ['node', 'server.mjs'],
  secrets: { file: 'secrets.sealed', artifact: '02'.repeat(16), names: ['API_KEY'] },
}

test('there is no app and no end unless they are named', () => {
  expect(inferenceConfig(minimal, 'config')).toMatchObject({ app: undefined, expiresAt: undefined })
  const expiresAt = 1_900_000_000
  expect(inferenceConfig({ ...minimal, app, expiresAt }, 'config')).toMatchObject({
    app: { ...app, port: 8080 },
    expiresAt,
  })
})

test.each<[string, object]>([
  ['an end before the beginning', { expiresAt: 0 }],
  ['an end in milliseconds', { expiresAt: 1_900_000_000_000 }],
  ['an end that is text', { expiresAt: '2030-01-01' }],
  ['a model sealed like the code', { app: { ...app, code: { ...app.code, artifact: 'ab'.repeat(16) } } }],
  [
    'a model sealed like the secrets',
    { app: { ...app, secrets: { ...app.secrets, artifact: 'ab'.repeat(16) } } },
  ],
  [
    'more artifacts than a release gives keys for',
    {
      app,
      models: {
        directory: '/models',
        artifacts: Array.from({ length: 63 }, (_, index) => ({
          id: `${100 + index}`.repeat(11).slice(0, 32),
          file: `m${index}`,
        })),
      },
    },
  ],
])('refuses %s', (_, change) => {
  expect(() => inferenceConfig({ ...minimal, ...change }, 'config')).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID' }),
  )
})
