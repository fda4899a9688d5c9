import { beforeAll, describe, expect, it } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import {
  composeTrustBundle,
  encodeTrustBundle,
  parseTrustBundle,
  tileProver,
  type TrustBundle,
} from '@sotto/protocol/evidence'
import { canonicalJson } from '@sotto/protocol/jcs'
import { createWorld, type World } from '@sotto/testkit'

let world: World
let bundle: TrustBundle
beforeAll(async () => {
  world = await createWorld()
  ;({ bundle } = world)
})

describe('a trust bundle', () => {
  it('is read as it was written', () => {
    expect(parseTrustBundle(encodeTrustBundle(bundle))).toEqual(bundle)
  })

  it('is composed from what the KMS publishes and what the log proves', async () => {
    const { genesis, kms, releases, governance, policy, keySet, checkpoint } = bundle
    const { certificate, consistency: _proof, ...own } = kms
    const state = { genesis, certificate, releases, governance, policy, keySet, kms: own }
    expect(
      await composeTrustBundle(state, checkpoint, tileProver(world.log.size, world.log.readTile)),
    ).toEqual(bundle)
  })

  const CASES: [string, (bundle: TrustBundle) => object][] = [
    ['another version', (b) => ({ ...b, version: 2 })],
    ['an unknown member', (b) => ({ ...b, nonce: 'x' })],
    ['no release', (b) => ({ ...b, releases: [] })],
    ['33 releases', (b) => ({ ...b, releases: Array.from({ length: 33 }, () => b.releases[0]) })],
    ['no key set', ({ keySet: _gone, ...rest }) => rest],
    ['a negative index', (b) => ({ ...b, policy: { ...b.policy, index: -1 } })],
    ['a fraction for an index', (b) => ({ ...b, policy: { ...b.policy, index: '1' } })],
    ['a short hash in a proof', (b) => ({ ...b, policy: { ...b.policy, proof: ['ab'] } })],
    [
      'a proof longer than any tree',
      (b) => ({ ...b, policy: { ...b.policy, proof: Array.from({ length: 55 }, () => 'ab'.repeat(32)) } }),
    ],
    [
      'an unknown family',
      (b) => ({ ...b, kms: { ...b.kms, evidence: { ...b.kms.evidence, family: 'tdx' } } }),
    ],
    ['no chain', (b) => ({ ...b, kms: { ...b.kms, evidence: { ...b.kms.evidence, chain: [] } } })],
    ['a long note', (b) => ({ ...b, checkpoint: 'x'.repeat(16_385) })],
    ['a control character in a note', (b) => ({ ...b, checkpoint: `${b.checkpoint}\u0007` })],
    [
      'a short import key',
      (b) => ({ ...b, kms: { ...b.kms, binding: { ...b.kms.binding, importKey: 'AAAA' } } }),
    ],
  ]
  it.each(CASES)('is malformed with %s', (_what, change) => {
    expect(() => parseTrustBundle(canonicalJson(change(bundle)))).toThrow(
      expect.objectContaining({ code: 'JCS_FIELD' }),
    )
  })

  it.each([
    ['nothing', ''],
    ['white space', ' {}'],
    ['depth without end', '['.repeat(100_000)],
    ['length without end', `"${'x'.repeat(2 ** 20)}"`],
  ])('is malformed when it is %s', (_what, json) => {
    expect(() => parseTrustBundle(utf8(json))).toThrow(expect.objectContaining({ code: 'JCS_MALFORMED' }))
  })
})
