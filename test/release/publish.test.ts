import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createMemoryStore } from '../../packages/edge/test/log/memory-store.ts'
import { envelope, open, threeWitnesses, TOKEN } from '../../packages/edge/test/log/parties.ts'
import { ReleaseFailure } from '../../scripts/release/failure.ts'
import { openLog, publish } from '../../scripts/release/publish.ts'
import { writeLogFiles } from './log.ts'

let work: string
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'sotto-publish-'))
})
afterEach(() => rmSync(work, { recursive: true }))

type Fetch = typeof globalThis.fetch

/** The log of this product, and what `release:build` reaches it by. */
async function world(
  change: (inner: Fetch) => Fetch = (inner) => inner,
): Promise<ReturnType<typeof openLog>> {
  const witnesses = threeWitnesses()
  const log = open(createMemoryStore(), witnesses)
  const files = await writeLogFiles(work, witnesses)
  const inner: Fetch = async (input, init) => log.app(new Request(input as string, init))
  return openLog({ url: 'http://log', ...files }, change(inner))
}

it('proves each entry under the log and witnesses of the policy', async () => {
  const log = await world()
  expect(await publish(log, envelope('a'), 'a')).toBe(0)
  expect(await publish(log, envelope('b'), 'b')).toBe(1)
  expect(log.lastSeen?.size).toBe(2)
})

it('gives an entry that was logged and not acknowledged the index it has: persisted but reported failed', async () => {
  let cut = 1
  const log = await world((inner) => async (input, init) => {
    const response = await inner(input, init)
    if (init?.method === 'POST' && cut-- > 0) throw new TypeError('connection reset')
    return response
  })
  expect(await publish(log, envelope('a'), 'a')).toBe(0)
  expect(await publish(log, envelope('a'), 'a')).toBe(0)
  expect(log.lastSeen?.size).toBe(1)
})

it('says so when nothing was logged: not persisted', async () => {
  const log = await world((inner) => async (input, init) => {
    if (init?.method === 'POST') throw new TypeError('connection refused')
    return inner(input, init)
  })
  await expect(publish(log, envelope('a'), 'release of kms')).rejects.toThrow(/release of kms is not logged/)
})

it('does not believe an index that the log does not prove', async () => {
  const log = await world((inner) => async (input, init) => {
    const response = await inner(input, init)
    return init?.method === 'POST' ? Response.json({ index: 7 }, { status: 201 }) : response
  })
  await expect(publish(log, envelope('a'), 'a')).rejects.toThrow(ReleaseFailure)
})

it('takes no for an answer at once, and never shows the token', async () => {
  let posts = 0
  const log = await world((inner) => async (input, init) => {
    if (init?.method === 'POST') posts++
    return init?.method === 'POST' ? Response.json({}, { status: 401 }) : inner(input, init)
  })
  const failure = await publish(log, envelope('a'), 'a').catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(ReleaseFailure)
  expect(JSON.stringify([failure, (failure as Error).message])).not.toContain(TOKEN)
  expect(posts).toBe(1)
})
