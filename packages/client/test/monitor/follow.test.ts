import { describe, expect, test } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { claim } from '../../../../test/claims.ts'
import { encodeSplitView, parseSplitView, verifySplitView, type SplitView } from '../../src/monitor/index.ts'
import { nextSet, openDesk, PAYLOAD_TYPES, type Desk } from './support.ts'

const fill = (desk: Desk, count: number, text = 'filler'): void => {
  for (let i = 0; i < count; i++) desk.world.log.append(utf8(`${text} ${i}`))
}

describe('what a log serves', () => {
  test('is nothing where its key did not sign it', async () => {
    const desk = await openDesk()
    const other = await openDesk()
    desk.served.note = await other.world.log.checkpoint({ time: desk.world.now })
    expect(await desk.codes()).toEqual(['CHECKPOINT_UNSIGNED'])
    desk.served.note = 'no note'
    expect(await desk.codes()).toEqual(['CHECKPOINT_UNSIGNED'])
    expect((await desk.round()).tree).toBeUndefined()
  })

  test('is stale, or of the future', async () => {
    const desk = await openDesk()
    desk.served.time = desk.world.now - 3601
    // Too old to count for independence as well.
    expect(await desk.codes()).toEqual(['CHECKPOINT_STALE', 'WITNESSES_NOT_INDEPENDENT'])
    desk.served.time = desk.world.now + 301
    expect(await desk.codes()).toEqual(['CHECKPOINT_FUTURE'])
  })

  test(
    claim('T14', 'is an alert where too few, the operator or one organisation alone cosigned'),
    async () => {
      const desk = await openDesk()
      desk.served.note = await desk.world.log.checkpoint({ time: desk.world.now, witnesses: 1 })
      expect(await desk.codes()).toEqual(['WITNESS_QUORUM', 'WITNESSES_NOT_INDEPENDENT'])
      delete desk.served.note
      const { keys } = desk.options.log.witnesses
      const as = (change: object): void => {
        const witnesses = { ...desk.options.log.witnesses, keys: keys.map((key) => ({ ...key, ...change })) }
        desk.options.log = { ...desk.options.log, witnesses }
      }
      as({ organisation: 'one' })
      expect(await desk.codes()).toEqual(['WITNESSES_NOT_INDEPENDENT'])
      as({ operator: true })
      expect(await desk.codes()).toEqual(['WITNESS_QUORUM', 'WITNESSES_NOT_INDEPENDENT'])
      as({})
      expect(await desk.codes()).toEqual([])
    },
  )

  test('is an alert where its entries are not those of its tree', async () => {
    const desk = await openDesk()
    const { reader } = desk.options
    desk.options.reader = {
      ...reader,
      readTile: reader.readTile,
      bundle: async (index, tree) => reader.bundle(index, { ...tree, root: new Uint8Array(32) }),
    }
    expect(await desk.codes()).toEqual(['LOG_UNPROVEN'])
    // Nothing of it was believed.
    desk.options.reader = reader
    expect([await desk.codes(), (await desk.round()).genesis]).toEqual([[], desk.world.genesisDigest])
  })
})

describe('a log with two faces', () => {
  /** A monitor that has followed the log, which then shows another history. */
  async function turned(at: number, then: number, of: (desk: Desk) => void = () => {}): Promise<Desk> {
    const desk = await openDesk()
    of(desk)
    await desk.round()
    const fork = desk.world.log.fork(at)
    for (let i = at; i < then; i++) fork.append(utf8(`other ${i}`))
    desk.served.log = fork
    return desk
  }
  const last = (desk: Desk): SplitView => desk.views.at(-1)!

  test(claim('T3', 'of one size is proven by its own two signatures'), async () => {
    const size = (await openDesk()).world.log.size
    const desk = await turned(2, size)
    expect(await desk.codes()).toEqual(['SPLIT_VIEW'])
    const { status, trees } = verifySplitView(parseSplitView(encodeSplitView(last(desk))))
    expect([status, trees[0].size, trees[1].size]).toEqual(['proven', size, size])
    // It is said in every round and kept once; what was followed before stays what is compared with.
    expect([await desk.codes(), desk.views.length]).toEqual([['SPLIT_VIEW'], 1])
    desk.served.log = desk.world.log
    expect(await desk.codes()).toEqual([])
  })

  test.each([
    ['a larger one', 2, 12, 0],
    ['a larger one of a whole subtree', 2, 12, 1],
    ['one of several tiles', 2, 300, 0],
  ])('%s is proven by hashes anybody can check', async (_, at, then, filler) => {
    const desk = await turned(at, then, (one) => fill(one, filler))
    expect(await desk.codes()).toEqual(['SPLIT_VIEW'])
    expect(verifySplitView(parseSplitView(encodeSplitView(last(desk)))).status).toBe('proven')
  })

  test('a smaller one is undecided offline: the hashes of what was seen are no longer served', async () => {
    const desk = await turned(1, 3)
    expect(await desk.codes()).toEqual(['LOG_UNPROVEN'])
    expect(verifySplitView(parseSplitView(encodeSplitView(last(desk)))).status).toBe('undecided')
  })

  test('evidence that was changed, or of an honest log, proves nothing', async () => {
    const desk = await turned(2, 12)
    await desk.round()
    const view = last(desk)
    const refused = (change: Partial<SplitView>): unknown => {
      try {
        return verifySplitView({ ...view, ...change }).status
      } catch (error) {
        return (error as { code: string }).code
      }
    }
    expect(refused({})).toBe('proven')
    expect(refused({ notes: [view.notes[1], view.notes[0]] })).toBe('PROOF_INVALID')
    expect(refused({ notes: [view.notes[0], view.notes[0]] })).toBe('PROOF_INVALID')
    expect(refused({ path: view.path!.map(() => 'ab'.repeat(32)) })).toBe('PROOF_INVALID')
    expect(refused({ path: view.path!.slice(1) })).toMatch(/MERKLE_CONSISTENCY|PROOF_INVALID/)
    expect(refused({ logKey: (await openDesk()).world.log.key })).toBe('PROOF_INVALID')
    const { log, now } = desk.world
    fill(desk, 3)
    const honest = [await log.checkpoint({ time: now, size: 5 }), await log.checkpoint({ time: now })] as [
      string,
      string,
    ]
    expect(refused({ notes: honest, path: await log.consistency(5) })).toBe('PROOF_INVALID')
    const { path: _, ...without } = view
    expect(verifySplitView(without).status).toBe('undecided')
    expect(() => parseSplitView('{"version":1}')).toThrow(
      expect.objectContaining({ code: 'PROOF_MALFORMED' }),
    )
  })

  test('a log that does not show how its trees fit is an alert, and both notes are kept', async () => {
    const desk = await turned(2, 12)
    const { reader } = desk.options
    desk.options.reader = { ...reader, readTile: async ({ width }) => new Uint8Array(32 * width) }
    expect(await desk.codes()).toEqual(['LOG_UNPROVEN'])
    expect([verifySplitView(last(desk)).status, last(desk).path]).toEqual(['undecided', undefined])
  })

  test('a cache that is behind is no alert; a smaller tree cosigned later is', async () => {
    const desk = await openDesk()
    fill(desk, 5)
    await desk.round()
    const { log, now } = desk.world
    desk.served.note = await log.checkpoint({ time: now - 60, size: log.size - 2 })
    expect(await desk.codes()).toEqual([])
    desk.served.note = await log.checkpoint({ time: now - 1, size: log.size - 2 })
    expect(await desk.codes()).toEqual(['CHECKPOINT_WENT_BACK'])
  })
})

describe('a monitor that is killed', () => {
  /** Alerts across several bundles, and a log that is longer than one. */
  async function eventful(): Promise<Desk> {
    const desk = await openDesk()
    desk.log(PAYLOAD_TYPES.keySet, desk.keySet, desk.world.signers.release)
    fill(desk, 250)
    desk.log(
      PAYLOAD_TYPES.keySet,
      { ...desk.keySet, issuedAt: desk.keySet.issuedAt + 1 },
      desk.world.signers.kms,
    )
    fill(desk, 270)
    desk.log(PAYLOAD_TYPES.keySet, nextSet(desk.keySet, { epoch: 5 }), desk.world.signers.kms)
    return desk
  }

  test.each(['not persisted', 'persisted but reported failed'] as const)(
    'at any write (%s) or alert says everything at least once and ends where the others do',
    async (fault) => {
      const whole = await eventful()
      expect(await whole.codes()).toEqual(['KEY_SET_UNCERTIFIED', 'KEY_SET_DUPLICATE', 'KEY_SET_GAP'])
      for (let instant = 0; instant < 8; instant++) {
        const desk = await eventful()
        // The same documents with other keys: only what is said of them can be compared.
        let left = instant
        const die = (): void => {
          if (left-- === 0) throw new Error('killed')
        }
        const { store, onAlert } = desk.options
        desk.options.store = {
          ...store,
          async save(text) {
            if (fault === 'persisted but reported failed') await store.save(text)
            die()
            await store.save(text)
          },
        }
        desk.options.onAlert = async (alert) => {
          await onAlert(alert)
          die()
        }
        await desk.round().catch((error: Error) => expect(error.message).toBe('killed'))
        left = -1
        const round = await desk.round()
        expect(new Set(desk.alerts.map(({ code }) => code))).toEqual(
          new Set(['KEY_SET_UNCERTIFIED', 'KEY_SET_DUPLICATE', 'KEY_SET_GAP']),
        )
        expect([round.counts.get('key set'), (await desk.round()).entries]).toEqual([4, 0])
      }
    },
  )

  test('refuses what it knew where that is damaged, or of another log or KMS', async () => {
    const desk = await openDesk()
    await desk.round()
    const text = desk.stored.text!
    const invalid = { code: 'STORAGE_INVALID', action: 'fix-input' }
    for (const bad of [
      '',
      '{}',
      text.slice(0, -1),
      text.replace('"next":', '"more":1,"next":'),
      text.replace('"version":1', '"version":2'),
    ]) {
      desk.stored.text = bad
      await expect(desk.round()).rejects.toMatchObject(invalid)
    }
    desk.stored.text = text
    desk.options.expect = { ...desk.options.expect, genesis: 'ab'.repeat(32) }
    await expect(desk.round()).rejects.toMatchObject(invalid)
  })

  test('keeps a bounded memory, however many boots, keys and epochs a log has', async () => {
    const desk = await openDesk()
    let set = desk.keySet
    for (let epoch = 0; epoch < 400; epoch++) {
      set = nextSet(set, { issuedAt: set.issuedAt + 1 })
      desk.log(PAYLOAD_TYPES.keySet, set, desk.world.signers.kms)
      desk.log(PAYLOAD_TYPES.release, { predicateType: 'x', epoch }, desk.world.signers.kms)
    }
    const { releaseKeys: _, ...expectations } = desk.options.expect
    desk.options.expect = expectations
    expect(await desk.codes()).toEqual([])
    expect(desk.stored.text!.length).toBeLessThan(65_536)
  })
})
