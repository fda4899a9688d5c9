import { toHex } from '@sotto/protocol/bytes'
import { encodeTrustBundle } from '@sotto/protocol/evidence'
import { parseCheckpoint, parseNote } from '@sotto/protocol/note'
import { describe, expect, it } from 'vitest'
import { claim } from '../../../test/claims.ts'
import type { SottoStorage } from '../src/index.ts'
import { open, posts } from './support/open.ts'
import { bundleAtHead } from './support/grown-bundle.ts'
import { createService } from './support/service.ts'

describe('the log', () => {
  function memory(): SottoStorage & { values: Map<string, string> } {
    const values = new Map<string, string>()
    return {
      values,
      get: async (key) => values.get(key),
      set: async (key, value) => void values.set(key, value),
    }
  }

  it(claim(['chain.log', 'T6'], 'may grow between two looks, proven by its tiles'), async () => {
    const service = await createService()
    const storage = memory()
    await open(service, { storage })
    const grown = encodeTrustBundle(await bundleAtHead(service.world))
    service.knobs.bundleBytes = () => grown
    const sotto = await open(service, { storage })
    expect(sotto.trust.steps.find(({ name }) => name === 'log.consistency')).toMatchObject({
      status: 'pass',
    })
    expect(service.outerCalls.some(({ path }) => path.startsWith('/log/tile/'))).toBe(true)
    expect(posts(service)).toEqual([])
    expect(JSON.parse([...storage.values.values()][0]!)).toMatchObject({ size: 7 })
  })

  it(claim('chain.log', 'may be shown as it was a while ago, proven by its tiles'), async () => {
    const service = await createService()
    const storage = memory()
    // What an issuer of tokens shows may be newer than the bundle, which is good for a while.
    const key = `checkpoint ${service.world.log.key}`
    const { size, root } = parseCheckpoint(
      parseNote(await service.world.log.checkpoint({ time: service.world.now })).text,
    )
    await storage.set(key, JSON.stringify({ size, root: toHex(root) }))
    const sotto = await open(service, { storage })
    expect(sotto.trust.steps.find(({ name }) => name === 'log.consistency')).toMatchObject({ status: 'pass' })
    // What was seen of it stays seen.
    expect(JSON.parse(storage.values.get(key)!)).toMatchObject({ size })
    expect(service.outerCalls.some(({ path }) => path.startsWith('/log/tile/'))).toBe(true)
    storage.values.set(key, JSON.stringify({ size, root: 'aa'.repeat(32) }))
    await expect(open(service, { storage })).rejects.toMatchObject({ code: 'VERIFY_REFUSED' })
  })

  it(claim('chain.log', 'is refused when it shrank or shows another history'), async () => {
    const service = await createService()
    for (const [size, root] of [
      [100, 'aa'.repeat(32)],
      [6, 'aa'.repeat(32)],
    ] as const) {
      const storage = memory()
      storage.values.set(`checkpoint ${service.world.log.key}`, JSON.stringify({ size, root }))
      const error = await open(service, { storage }).catch((caught: unknown) => caught)
      expect(error).toMatchObject({
        code: 'VERIFY_REFUSED',
        message: expect.stringContaining('log.consistency'),
      })
    }
    expect(posts(service)).toEqual([])
  })

  it('is refused when its tiles prove no growth', async () => {
    const service = await createService()
    const storage = memory()
    storage.values.set(
      `checkpoint ${service.world.log.key}`,
      JSON.stringify({ size: 3, root: 'aa'.repeat(32) }),
    )
    await expect(open(service, { storage })).rejects.toMatchObject({ code: 'VERIFY_REFUSED' })
  })

  it('cannot be judged when it does not answer', async () => {
    const service = await createService()
    const storage = memory()
    await open(service, { storage })
    const grown = encodeTrustBundle(await bundleAtHead(service.world))
    service.knobs.bundleBytes = () => grown
    service.knobs.outer = ({ path }) =>
      path.startsWith('/log/') ? new Response(null, { status: 404 }) : undefined
    await expect(open(service, { storage })).rejects.toMatchObject({ code: 'BUNDLE_UNREACHABLE' })
    expect(posts(service)).toEqual([])
  })

  it.each([['{'], ['{"size":-1,"root":"aa"}'], ['null']])(
    'is not forgotten by accident: %s',
    async (damaged) => {
      const service = await createService()
      const storage = memory()
      storage.values.set(`checkpoint ${service.world.log.key}`, damaged)
      await expect(open(service, { storage })).rejects.toMatchObject({ code: 'STORAGE_INVALID' })
    },
  )
})
