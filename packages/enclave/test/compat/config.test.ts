import { expect, test } from 'vitest'
import { createWorld } from '@sotto/testkit'
import { inferenceConfig } from '../../src/roles/config.ts'

const { policy } = await createWorld()
const minimal = {
  listen: { port: 0 },
  kms: { url: 'http://127.0.0.1:1' },
  log: { url: 'http://127.0.0.1:2' },
  policy,
  models: { directory: '/models', artifacts: [] },
}

test('another dialect is off by default, and measured where it is on', () => {
  expect(inferenceConfig(minimal, 'config').compat).toBeUndefined()
  expect(inferenceConfig({ ...minimal, compat: 'azure' }, 'config').compat).toBe('azure')
  for (const compat of ['aws', true, {}, ''])
    expect(() => inferenceConfig({ ...minimal, compat }, 'config')).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    )
})
