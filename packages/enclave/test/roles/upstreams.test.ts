import { expect, test } from 'vitest'
import { llamaServer, upstreams } from '../../src/roles/upstreams.ts'

const sha256 = 'ab'.repeat(32)
const text = {
  id: 'house/big',
  kind: 'openai',
  task: 'text-generation',
  url: 'http://127.0.0.1:8000',
  model: 'org/Big-7B',
  weights: { directory: '/models/big', sha256 },
  prefixCache: 'cache_salt',
}
const tensors = {
  ...text,
  kind: 'kserve',
  task: 'tensors',
  model: 'resnet',
  prefixCache: undefined,
  responseCache: 'none',
}
const decode = (value: unknown): unknown => upstreams([JSON.parse(JSON.stringify(value))], 'config.upstreams')

test('a server that generates text, one that embeds, one for tensors', () => {
  expect(decode(text)).toEqual([{ ...text, concurrency: 8 }])
  expect(
    decode({ ...text, task: 'embedding', prefixCache: 'none', url: 'http://[::1]:1', concurrency: 64 }),
  ).toMatchObject([{ prefixCache: 'none', concurrency: 64 }])
  expect(decode(tensors)).toMatchObject([{ kind: 'kserve', task: 'tensors', responseCache: 'none' }])
  expect(decode({ ...text, apiKeyFile: '/run/secrets/vllm' })).toMatchObject([
    { apiKeyFile: '/run/secrets/vllm' },
  ])
  expect(llamaServer({ path: '/usr/libexec/llama-server', sha256 }, 'config')).toEqual({
    path: '/usr/libexec/llama-server',
    sha256,
  })
})

test.each<[string, object]>([
  ['one on another machine', { ...text, url: 'http://10.0.0.1:8000' }],
  ['one by name', { ...text, url: 'http://localhost:8000' }],
  ['one with a path', { ...text, url: 'http://127.0.0.1:8000/v1' }],
  ['one that does not say how prefixes are kept apart', { ...text, prefixCache: undefined }],
  ['one that shares prefixes', { ...text, prefixCache: 'shared' }],
  ['a salt where nothing is cached', { ...tensors, prefixCache: 'cache_salt' }],
  ['embeddings that do not say so', { ...text, task: 'embedding', prefixCache: undefined }],
  [
    'a salt that no request for embeddings carries',
    { ...text, task: 'embedding', prefixCache: 'cache_salt' },
  ],
  ['tensors that do not say that no answer is kept', { ...tensors, responseCache: undefined }],
  ['tensors whose answers are kept', { ...tensors, responseCache: 'local' }],
  ['a cache of answers where there is none', { ...text, responseCache: 'none' }],
  ['a key in a relative file', { ...text, apiKeyFile: 'key' }],
  ['tensors of an openai server', { ...text, task: 'tensors', prefixCache: undefined }],
  ['text of a kserve server', { ...tensors, task: 'text-generation' }],
  ['a name that leaves its segment', { ...tensors, model: 'a/../b' }],
  ['a name that is dots', { ...tensors, model: '..' }],
  ['weights without a digest', { ...text, weights: { directory: '/models/big' } }],
  ['weights somewhere relative', { ...text, weights: { directory: 'models', sha256 } }],
  ['a key that everybody can read with the configuration', { ...text, apiKey: 'x' }],
  ['no calls at once', { ...text, concurrency: 0 }],
])('refuses %s', (_, value) => {
  expect(() => decode(value)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }) as Error)
})

test.each([{ path: 'llama-server', sha256 }, { path: '/x', sha256: 'x' }, { path: '/x' }])(
  'refuses the program %j',
  (value) => {
    expect(() => llamaServer(value, 'config')).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }) as Error,
    )
  },
)
