import { describe, expect, test } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { checkpointText, parseNote, signNote } from '@sotto/protocol/note'
import { appendEntries, EMPTY_FRONTIER, rootOf } from '../../src/log/frontier.ts'
import { createMemoryStore } from './memory-store.ts'
import { append, envelope, open, ORIGIN, SIGNER, threeWitnesses } from './parties.ts'

describe('a log never forks', () => {
  test('a store that was turned back is refused by any one witness: appends stop, reads go on', async () => {
    const witnesses = threeWitnesses()
    const log = open(createMemoryStore(), witnesses)
    await append(log, envelope('a'))
    await append(log, envelope('b'))
    log.publisher.stop()

    const old = createMemoryStore()
    const { frontier, hashes } = appendEntries(EMPTY_FRONTIER, [envelope('a')])
    old.append({ firstIndex: 0, entries: [envelope('a')], hashes, tree: { size: 1, root: rootOf(frontier) } })
    old.writePublished(signNote(checkpointText({ origin: ORIGIN, size: 1, root: rootOf(frontier) }), SIGNER))
    // Two witnesses have lost their memory too: the third is enough.
    for (const witness of witnesses.slice(1)) witness.records.clear()
    const errors: string[] = []
    const restarted = open(old, witnesses, { onError: (code) => errors.push(code) })
    expect(await append(restarted, envelope('c'))).toMatchObject({
      status: 500,
      body: { error: { code: 'LOG_FORKED', action: 'stop' } },
    })
    expect(await append(restarted, envelope('c'))).toMatchObject({ body: { error: { code: 'LOG_FORKED' } } })
    expect(errors).toContain('LOG_FORKED')
    expect(
      parseNote(await (await restarted.app(new Request('http://log/log/checkpoint'))).text()).text,
    ).toContain('\n1\n')
    expect((await restarted.app(new Request('http://log/log/tile/0/000.p/1'))).status).toBe(200)
  })

  test('another tree of the same size, or one with another past, is found out', async () => {
    for (const size of [1, 3]) {
      const witnesses = threeWitnesses()
      const log = open(createMemoryStore(), witnesses)
      await append(log, envelope('a'))
      log.publisher.stop()
      const forked = createMemoryStore()
      const entries = Array.from({ length: size }, (_, index) => envelope(`fork ${index}`))
      const { frontier, hashes } = appendEntries(EMPTY_FRONTIER, entries)
      forked.append({ firstIndex: 0, entries, hashes, tree: { size, root: rootOf(frontier) } })
      const restarted = open(forked, witnesses)
      await expect(restarted.publisher.waitFor(size, 1000)).rejects.toMatchObject({ code: 'LOG_FORKED' })
      restarted.publisher.stop()
    }
  })

  test('a stored tree that is not the published one is refused at start', () => {
    const store = createMemoryStore()
    const { frontier, hashes } = appendEntries(EMPTY_FRONTIER, [envelope('a')])
    store.append({
      firstIndex: 0,
      entries: [envelope('a')],
      hashes,
      tree: { size: 1, root: rootOf(frontier) },
    })
    store.writePublished(
      signNote(checkpointText({ origin: ORIGIN, size: 1, root: crypto.sha256(utf8('other')) }), SIGNER),
    )
    expect(() => open(store, threeWitnesses())).toThrow(
      expect.objectContaining({ code: 'LOG_FORKED', action: 'stop' }),
    )
  })

  test('a store of another log or another key is refused at start', () => {
    const store = createMemoryStore()
    store.writePublished(
      signNote(checkpointText({ origin: 'other.example', size: 0, root: crypto.sha256() }), SIGNER),
    )
    expect(() => open(store, threeWitnesses())).toThrow(expect.objectContaining({ code: 'STORE_CORRUPT' }))
    store.writePublished(
      signNote(checkpointText({ origin: ORIGIN, size: 0, root: crypto.sha256() }), {
        name: ORIGIN,
        secretSeed: crypto.sha256(utf8('other')),
      }),
    )
    expect(() => open(store, threeWitnesses())).toThrow(
      expect.objectContaining({ code: 'STORE_KEY_MISSING' }),
    )
  })
})
