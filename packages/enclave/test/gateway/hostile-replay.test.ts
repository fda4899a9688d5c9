import { describe, expect, test } from 'vitest'
import { concat, uint } from '@sotto/protocol/bytes'
import { MESSAGE, post, REFUSED, withEffects } from './effects.ts'
import { POLICY, sealedChunks } from './parties.ts'

describe('replays', () => {
  test('the same message is answered once', async () => {
    const { gateway, effects } = withEffects()
    const wire = concat(...sealedChunks(gateway.key, MESSAGE).parts)
    expect((await post(gateway, wire)).status).toBe(200)
    expect(await post(gateway, wire)).toEqual(REFUSED)
    expect(effects).toHaveLength(1)
  })

  test('two copies that arrive together are answered once', async () => {
    const { gateway, effects } = withEffects()
    const wire = concat(...sealedChunks(gateway.key, MESSAGE).parts)
    const answers = await Promise.all([post(gateway, wire), post(gateway, wire), post(gateway, wire)])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400])
    expect(effects).toHaveLength(1)
  })

  test('installing the same key again does not forget what it answered', async () => {
    const { gateway } = withEffects()
    const wire = concat(...sealedChunks(gateway.key, MESSAGE).parts)
    await post(gateway, wire)
    gateway.keys.install([{ key: gateway.key, policy: POLICY, notAfter: gateway.clock.wall / 1000 + 60 }])
    expect(await post(gateway, wire)).toEqual(REFUSED)
  })

  test('bytes that do not authenticate block nobody: seeing a request is not enough to spoil it', async () => {
    const { gateway } = withEffects()
    const { parts } = sealedChunks(gateway.key, MESSAGE)
    const spoiled = concat(...parts).slice()
    spoiled[60] = spoiled[60]! ^ 1
    expect(await post(gateway, spoiled)).toEqual(REFUSED)
    expect((await post(gateway, concat(...parts))).status).toBe(200)
  })

  test('a full window refuses with 503 instead of forgetting', async () => {
    const { gateway, effects } = withEffects()
    for (let i = 0; i < 1000; i++) gateway.keys.claim(7, uint(i, 4))
    expect(await post(gateway, concat(...sealedChunks(gateway.key, MESSAGE).parts))).toEqual({
      status: 503,
      code: 'GATEWAY_REPLAY_FULL',
    })
    expect(effects).toEqual([])
  })
})
