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

test.each<[string, object]>([
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
