import { describe, expect, test } from 'vitest'
import { toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { documentDigest } from '@sotto/protocol/keyrelease'
import { createReceipt, fakeKeyConfig, fakeSigner } from '@sotto/testkit'
import { claim } from '../../../../test/claims.ts'
import { nextSet, openDesk, PAYLOAD_TYPES, type Desk } from './support.ts'

test('an honest log is followed to its end without an alert, and read once', async () => {
  const desk = await openDesk()
  await createReceipt(desk.world)
  const first = await desk.round()
  expect([desk.alerts, first.entries, first.genesis]).toEqual([
    [],
    desk.world.log.size,
    desk.world.genesisDigest,
  ])
  expect(Object.fromEntries(first.counts)).toMatchObject({
    genesis: 1,
    'KMS certificate': 1,
    'release statement': 2,
    'key set': 1,
    'release receipt': 1,
  })
  desk.log(PAYLOAD_TYPES.keySet, nextSet(desk.keySet), desk.world.signers.kms)
  expect([(await desk.round()).entries, desk.alerts]).toEqual([1, []])
})

test('a genesis is watched by its digest, or the first one of the log; release keys are then those it names', async () => {
  const desk = await openDesk()
  const { releaseKeys: _, genesis: __, ...expectations } = desk.options.expect
  desk.options.expect = expectations
  expect([(await desk.round()).genesis, desk.alerts]).toEqual([desk.world.genesisDigest, []])
  const foreign = await openDesk()
  foreign.options.expect = { ...foreign.options.expect, genesis: 'ab'.repeat(32) }
  const round = await foreign.round()
  expect([round.genesis, foreign.alerts, round.entries]).toEqual([undefined, [], foreign.world.log.size])
})

test('entries of anybody are counted and passed over', async () => {
  const desk = await openDesk()
  desk.world.log.append(utf8('not an envelope'))
  desk.log('application/test+json', { a: 1 }, fakeSigner())
  desk.log(
    PAYLOAD_TYPES.release,
    { _type: 'https://in-toto.io/Statement/v1', predicateType: 'https://cyclonedx.org/bom' },
    fakeSigner(),
  )
  const { counts } = await desk.round()
  expect([desk.alerts, counts.get('other'), counts.get('not an envelope')]).toEqual([[], 1, 1])
})

describe('key sets', () => {
  test(claim('T3', 'a second set for one epoch alarms whoever watches the log'), async () => {
    const desk = await openDesk()
    expect(await desk.codes()).toEqual([])
    const mine = { keyId: 9, config: toBase64Url(fakeKeyConfig(9)) }
    const targeted = { ...desk.keySet, keys: [{ ...desk.keySet.keys[0]!, ...mine }] }
    desk.log(PAYLOAD_TYPES.keySet, targeted, desk.world.signers.kms)
    expect(await desk.codes()).toEqual(['KEY_SET_DUPLICATE'])
    expect(desk.alerts[0]).toMatchObject({
      index: desk.world.log.size - 1,
      expected: expect.stringContaining(documentDigest(desk.keySet)),
      found: documentDigest(targeted),
    })
    // Of an epoch long past, too.
    desk.log(PAYLOAD_TYPES.keySet, nextSet(desk.keySet), desk.world.signers.kms)
    desk.log(PAYLOAD_TYPES.keySet, { ...targeted, issuedAt: targeted.issuedAt + 1 }, desk.world.signers.kms)
    expect(await desk.codes()).toEqual(['KEY_SET_DUPLICATE'])
  })

  const kms = (desk: Desk): Desk['world']['signers']['kms'] => desk.world.signers.kms
  test.each<[string, string[], (desk: Desk) => void]>([
    [
      'a missing epoch',
      ['KEY_SET_GAP'],
      (desk) => desk.log(PAYLOAD_TYPES.keySet, nextSet(desk.keySet, { epoch: 3 }), kms(desk)),
    ],
    [
      'a broken link',
      ['KEY_SET_LINK'],
      (desk) =>
        desk.log(PAYLOAD_TYPES.keySet, nextSet(desk.keySet, { previous: 'ab'.repeat(32) }), kms(desk)),
    ],
    [
      'a key nobody certified',
      ['KEY_SET_UNCERTIFIED'],
      (desk) => desk.log(PAYLOAD_TYPES.keySet, nextSet(desk.keySet), fakeSigner()),
    ],
    [
      'a certificate of another time',
      ['KEY_SET_UNCERTIFIED'],
      (desk) =>
        desk.log(
          PAYLOAD_TYPES.keySet,
          nextSet(desk.keySet, { issuedAt: desk.world.now + 90_000 }),
          kms(desk),
        ),
    ],
    [
      'another constitution',
      ['KEY_SET_CONSTITUTION'],
      (desk) =>
        desk.log(PAYLOAD_TYPES.keySet, nextSet(desk.keySet, { constitution: 'ab'.repeat(32) }), kms(desk)),
    ],
    [
      'no keys',
      ['KEY_SET_MALFORMED'],
      (desk) => desk.log(PAYLOAD_TYPES.keySet, nextSet(desk.keySet, { keys: [] }), kms(desk)),
    ],
    [
      'a policy that is not logged',
      ['KEY_SET_POLICY'],
      (desk) =>
        desk.log(
          PAYLOAD_TYPES.keySet,
          nextSet(desk.keySet, { keys: [{ ...desk.keySet.keys[0]!, policy: 'cd'.repeat(32) }] }),
          kms(desk),
        ),
    ],
  ])('%s', async (_, codes, attack) => {
    const desk = await openDesk()
    attack(desk)
    expect(await desk.codes()).toEqual(codes)
  })

  test(
    claim('T4', 'a key that lives longer than a day, is prolonged, or outlives its grace is an alert'),
    async () => {
      const [key] = (await openDesk()).keySet.keys as [Desk['keySet']['keys'][0]]
      const day = 86_400
      const cases: [Partial<typeof key>, number][] = [
        [{ notAfter: key.notBefore + day + 1 }, 0],
        // The same key again, one second longer than a day after it was first published.
        [{ notBefore: key.notBefore + 60, notAfter: key.notBefore + day + 1 }, 0],
        [
          {
            config: toBase64Url(fakeKeyConfig(8)),
            keyId: 8,
            notBefore: key.notBefore - 7300,
            notAfter: key.notBefore - 3600,
          },
          1,
        ],
      ]
      for (const [change, later] of cases) {
        const desk = await openDesk({ keys: (policy) => [{ ...key, policy }] })
        const keys = [{ ...desk.keySet.keys[0]!, ...change }]
        desk.log(
          PAYLOAD_TYPES.keySet,
          nextSet(desk.keySet, { keys, issuedAt: desk.keySet.issuedAt + later }),
          kms(desk),
        )
        expect(await desk.codes()).toEqual(['KEY_LIFETIME'])
      }
      // A whole day, and published until its grace ends, is what is promised.
      const desk = await openDesk({ keys: (policy) => [{ ...key, policy, notAfter: key.notBefore + day }] })
      desk.log(PAYLOAD_TYPES.keySet, nextSet(desk.keySet), kms(desk))
      expect(await desk.codes()).toEqual([])
    },
  )
})
