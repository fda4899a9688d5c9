import { describe, expect, test } from 'vitest'
import type { KmsClient } from '../../src/release/index.ts'
import { createExpiry } from '../../src/roles/expiry.ts'

const kms = { state: async () => ({}), release: async () => ({}) } as unknown as KmsClient
const request = {} as Parameters<KmsClient['release']>[0]

describe('the end of a deployment', () => {
  test('is the second that its configuration names, and every later one', async () => {
    let now = 99
    const expiry = createExpiry(100, () => now)
    const guarded = expiry.guard(kms)
    expect(expiry.isOver()).toBe(false)
    expiry.requireBefore()
    await guarded.release(request)
    for (now of [100, 1000]) {
      expect(expiry.isOver()).toBe(true)
      expect(() => expiry.requireBefore()).toThrow(
        expect.objectContaining({ code: 'DEPLOYMENT_EXPIRED', action: 'stop' }),
      )
      await expect(guarded.release(request)).rejects.toMatchObject({ code: 'DEPLOYMENT_EXPIRED' })
    }
    // What it publishes may still be read.
    await guarded.state()
  })

  test('never comes where none is configured', () => {
    const expiry = createExpiry(undefined, () => Number.MAX_SAFE_INTEGER)
    expect(expiry.isOver()).toBe(false)
    expiry.requireBefore()
  })
})
