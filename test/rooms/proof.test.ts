import { checkRunProof, type CheckedProof, parseRunProof, type RunProof } from '@sotto/client/rooms'
import { fromBase64Url, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { encodeTrustBundle } from '@sotto/protocol/evidence'
import type { TrustPolicy } from '@sotto/verifier'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { bundleOf, trustPolicyOf } from '../../packages/kms/test/client.ts'
import { RoomWorld } from '../../packages/kms/test/contracts/room-world.ts'
import { seed, testRoot } from '../../packages/kms/test/world.ts'
import { claim } from '../claims.ts'
import { type DoneRun, doneRun, openAgreed, viewOf } from './support/done-run.ts'

let world: RoomWorld
let policy: TrustPolicy
let done: DoneRun
/** Another run of the same contract. */
let other: DoneRun
let proof: RunProof
let honest: CheckedProof
/** Of another KMS, with the same members and log. */
let foreign: string

beforeAll(async () => {
  world = await openAgreed()
  policy = trustPolicyOf(world)
  done = await doneRun(world)
  other = await doneRun(world)
  proof = {
    format: 'sotto-run-proof/1',
    contract: world.text,
    offered: done.offered,
    view: viewOf(done),
    bundle: toBase64Url(encodeTrustBundle(await bundleOf(world))),
    at: world.now,
  }
  honest = check(proof)
  const elsewhere = new RoomWorld()
  elsewhere.root = testRoot(seed(79))
  await elsewhere.start()
  await elsewhere.acceptPolicy(elsewhere.roomProposal())
  foreign = toBase64Url(encodeTrustBundle(await bundleOf(elsewhere)))
})

/** As whoever has only the bytes does it. */
function check(one: object, under: TrustPolicy = policy): CheckedProof {
  return checkRunProof(parseRunProof(utf8(JSON.stringify(one))), under)
}

function codeOf(one: object, under?: TrustPolicy): string {
  try {
    check(one, under)
    return 'none'
  } catch (error) {
    return (error as { code?: string }).code ?? (error as Error).name
  }
}

describe('a KMS that started again since', () => {
  it('signs with another key, and runs of the boot before are proven by the bundle that came with them', async () => {
    const before = await openAgreed()
    const run = await doneRun(before)
    const bundle = toBase64Url(encodeTrustBundle(await bundleOf(before)))
    await before.start()
    const about = { ...proof, contract: before.text, offered: run.offered, at: before.now }
    const now = { ...about, bundle: toBase64Url(encodeTrustBundle(await bundleOf(before))) }
    const under = trustPolicyOf(before)
    expect(codeOf({ ...now, view: viewOf(run) }, under)).toBe('CONTRACT_SIGNATURE')
    expect(codeOf({ ...now, view: { ...viewOf(run), bundles: [foreign] } }, under)).toBe('CONTRACT_SIGNATURE')
    expect(codeOf({ ...now, view: { ...viewOf(run), bundles: [foreign, bundle] } }, under)).toBe('none')
  })
})

describe(claim('rooms.proof', 'a proof of a run'), () => {
  it('shows the whole run to whoever has the policy: deployment, room, charge and outputs', () => {
    expect(honest.verdict.ok).toBe(true)
    expect(honest.named.digest).toBe(world.digest)
    expect(honest.offer.run).toBe(done.id)
    expect(honest.run.receipt.sequence).toBe(1)
    expect(honest.run.outputs).toEqual(done.outputs)
    expect(honest.run.provenance).toEqual(done.provenance)
  })

  it('is good long afterwards: it says when it was made, and nothing is asked of anybody', () => {
    const { now } = world
    world.now += 10 * 366 * 86_400
    expect(check(proof).run).toEqual(honest.run)
    world.now = now
  })
})

const CHANGED: [what: string, code: string, change: () => Partial<Record<keyof RunProof, unknown>>][] = [
  ['another contract', 'CONTRACT_OTHER', () => ({ contract: changedTitle() })],
  ['a contract that contradicts itself', 'CONTRACT_MALFORMED', () => ({ contract: '{}' })],
  [
    'the offer of another run',
    'ROOM_OFFER',
    () => ({ offered: { offer: other.offered.offer, shown: done.offered.shown } }),
  ],
  [
    'the evidence of another run',
    'ROOM_OFFER',
    () => ({ offered: { offer: done.offered.offer, shown: other.offered.shown } }),
  ],
  ['offer and evidence of another run', 'ROOM_OFFER', () => ({ offered: other.offered })],
  ['what was said of another run', 'ROOM_OFFER', () => ({ view: viewOf(other) })],
  [
    'offer, evidence and view of which only the view is of this run',
    'ROOM_OFFER',
    () => ({ offered: other.offered, view: viewOf(done) }),
  ],
  [
    'another nonce in the offer',
    'ROOM_OFFER',
    () => ({ offered: { ...done.offered, offer: { ...done.offered.offer, nonce: '00'.repeat(16) } } }),
  ],
  [
    'the receipt of another run',
    'CONTRACT_OTHER',
    () => ({ view: { ...proof.view, receipt: other.receipt } }),
  ],
  ['the permit of another run', 'CONTRACT_OTHER', () => ({ view: { ...proof.view, permit: other.permit } })],
  [
    'the outputs of another run',
    'CONTRACT_SIGNATURE',
    () => ({ view: { ...proof.view, outputs: viewOf(other).outputs } }),
  ],
  [
    'the provenance of another run',
    'ROOM_SIGNATURE',
    () => ({ view: { ...proof.view, provenance: viewOf(other).provenance } }),
  ],
  ['no outputs', 'ROOM_OFFER', () => ({ view: { ...proof.view, outputs: [] } })],
  ['the bundle of another KMS', 'ROOM_OFFER', () => ({ bundle: foreign })],
  ['something that is no bundle', 'ROOM_PROOF', () => ({ bundle: toBase64Url(utf8('{}')) })],
  ['a bundle that was too old at that time', 'ROOM_OFFER', () => ({ at: proof.at + 86_400 })],
  ['a bundle that was not there at that time', 'ROOM_OFFER', () => ({ at: proof.at - 86_400 })],
]

function changedTitle(): string {
  return world.text.replace('"title":"offers"', '"title":"others"')
}

describe(claim(['T1', 'rooms.proof'], 'a proof of which something was replaced'), () => {
  it.each(CHANGED)('has %s: %s', (_, code, change) => {
    expect(codeOf({ ...proof, ...change() })).toBe(code)
  })

  it.each<[string, (one: TrustPolicy) => TrustPolicy]>([
    ['another deployment', (one) => ({ ...one, genesis: 'ef'.repeat(32) })],
    ['other release keys', (one) => ({ ...one, releaseKeys: [toBase64Url(new Uint8Array(32).fill(9))] })],
    ['a log of another name', (one) => ({ ...one, log: { ...one.log, origin: 'other.test/log' } })],
    ['a newer KMS', (one) => ({ ...one, minSecurityVersion: { ...one.minSecurityVersion, kms: 2 } })],
    ['a newer room', (one) => ({ ...one, minSecurityVersion: { ...one.minSecurityVersion, room: 2 } })],
    ['no such room', (one) => ({ ...one, revoked: [done.provenance.predicate.image] })],
  ])('is refused under a policy of %s', (_, change) => {
    expect(codeOf(proof, change(policy))).toBe('ROOM_OFFER')
  })

  it('never shows another run: any changed bit is refused, or changes nothing of what is shown', () => {
    const text = utf8(JSON.stringify(proof))
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.nat(6), (at, bit) => {
        const changed = text.slice()
        changed[at]! ^= 1 << bit
        let found: CheckedProof
        try {
          found = checkRunProof(parseRunProof(changed), policy)
        } catch (error) {
          expect((error as { code?: string }).code).toMatch(/^(?:ROOM|CONTRACT)_/)
          return
        }
        expect(found.run).toEqual(honest.run)
        expect(found.offer.room).toEqual(honest.offer.room)
        expect(found.named).toEqual(honest.named)
      }),
      { numRuns: 200 },
    )
  })

  it('is refused with any changed bit in its bundle that matters to the KMS', () => {
    const bundle = fromBase64Url(proof.bundle)
    fc.assert(
      fc.property(fc.nat(bundle.length - 1), fc.nat(6), (at, bit) => {
        const changed = bundle.slice()
        changed[at]! ^= 1 << bit
        let found: CheckedProof
        try {
          found = check({ ...proof, bundle: toBase64Url(changed) })
        } catch (error) {
          expect((error as { code?: string }).code).toMatch(/^ROOM_(?:PROOF|OFFER)$/)
          return
        }
        expect(found.run).toEqual(honest.run)
      }),
      { numRuns: 100 },
    )
  })
})

describe('the structure of a proof', () => {
  const refuse = (bytes: Uint8Array | string, what: string): void =>
    expect(() => parseRunProof(typeof bytes === 'string' ? utf8(bytes) : bytes), what).toThrow(
      expect.objectContaining({ code: 'ROOM_PROOF', action: 'fix-input' }),
    )

  it('is read as it was written, with any white space', () => {
    expect(parseRunProof(utf8(JSON.stringify(proof)))).toEqual(proof)
    expect(parseRunProof(utf8(JSON.stringify(proof, null, 2)))).toEqual(proof)
  })

  it('has all of its members, of their types, and no other', () => {
    const good = proof as unknown as Record<string, unknown>
    for (const member of Object.keys(good)) {
      const { [member]: _, ...rest } = good
      refuse(JSON.stringify(rest), member)
      for (const wrong of [null, true, -1, 0, '', [], {}, 'x'])
        // Whether text is a contract is another question.
        if (!(member === 'contract' && wrong === 'x'))
          refuse(JSON.stringify({ ...good, [member]: wrong }), `${member}: ${JSON.stringify(wrong)}`)
    }
    refuse(JSON.stringify({ ...good, extra: 1 }), 'extra')
    refuse(JSON.stringify({ ...good, format: 'sotto-run-proof/2' }), 'a later format')
    refuse(JSON.stringify(good).replace('{', '{"at":1,'), 'a member twice')
  })

  it('is not read from anything else, nor in part', () => {
    for (const junk of ['', 'null', '[]', '"proof"', '{}', '['.repeat(100_000), '\u{0}']) refuse(junk, junk)
    refuse(Uint8Array.of(0x7b, 0xff, 0x7d), 'no text')
    const text = JSON.stringify(proof)
    for (let cut = 0; cut < 300; cut++)
      refuse(text.slice(0, Math.floor((text.length * cut) / 300)), `${cut} of 300`)
    for (let end = text.length - 100; end < text.length; end++) refuse(text.slice(0, end), `${end}`)
  })

  it('is of a bundle of at most 1 MiB', () => {
    const bundle = (bytes: number): string =>
      JSON.stringify({ ...proof, bundle: toBase64Url(new Uint8Array(bytes)) })
    expect(parseRunProof(utf8(bundle(2 ** 20))).at).toBe(proof.at)
    refuse(bundle(2 ** 20 + 1), 'one byte more')
  })
})
