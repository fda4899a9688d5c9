import { describe, expect, test } from 'vitest'
import { encodeTrustBundle, parseTrustBundle, type TrustBundle } from '@sotto/protocol/evidence'
import { bundleForNonce, createWorld } from '@sotto/testkit'
import { type Verdict, verifyTrustBundle } from '@sotto/verifier'
import { claim } from '../../../../test/claims.ts'

const world = await createWorld()
const [MINE, OTHERS] = ['A'.repeat(22), 'B'.repeat(21) + 'A']

function judge(bundle: TrustBundle, nonce?: string): Verdict {
  const context = { now: world.now, ...(nonce !== undefined && { nonce }) }
  return verifyTrustBundle(parseTrustBundle(encodeTrustBundle(bundle)), world.policy, context).verdict
}

const failed = ({ steps }: Verdict): unknown =>
  steps.filter(({ status }) => status === 'fail').map(({ name, reason }) => [name, reason])
const stepOf = ({ steps }: Verdict) => steps.find(({ name }) => name === 'kms.nonce')

describe('evidence for a nonce', () => {
  test(claim('T6', 'passes for who asked, in a step of its own behind the binding'), () => {
    const verdict = judge(bundleForNonce(world, MINE), MINE)
    expect([verdict.ok, stepOf(verdict)]).toMatchObject([
      true,
      { status: 'pass', required: true, found: MINE },
    ])
    const names = verdict.steps.map(({ name }) => name)
    expect(names[names.indexOf('kms.nonce') - 1]).toBe('kms.binding')
  })

  test(claim('T6', 'is refused when it is the answer to another nonce, or what everybody gets'), () => {
    const replayed = judge(bundleForNonce(world, OTHERS), MINE)
    expect([replayed.ok, failed(replayed)]).toEqual([false, [['kms.nonce', 'bound to another nonce']]])
    const ordinary = judge(world.bundle, MINE)
    expect([ordinary.ok, failed(ordinary)]).toEqual([false, [['kms.nonce', 'bound to no nonce']]])
  })

  test(claim('T6', 'is refused when the nonce was only written beside it'), () => {
    for (const bundle of [world.bundle, bundleForNonce(world, OTHERS)]) {
      const { kms } = bundle
      const verdict = judge({ ...bundle, kms: { ...kms, binding: { ...kms.binding, nonce: MINE } } }, MINE)
      expect([verdict.ok, failed(verdict)]).toMatchObject([false, [['kms.binding', expect.anything()]]])
      expect(stepOf(verdict)?.status).toBe('skipped')
    }
  })

  test('has no step where nobody asked', () => {
    expect(stepOf(judge(world.bundle))).toBeUndefined()
    const kept = judge(bundleForNonce(world, MINE))
    expect([kept.ok, stepOf(kept)]).toEqual([true, undefined])
  })
})
