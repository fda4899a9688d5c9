import fc from 'fast-check'
import { fromBase64Url, toBase64Url } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { type Evidence, evidenceDigest, type ReleaseStatement } from '@sotto/protocol/keyrelease'
import { softwareMeasurement } from '@sotto/protocol/measurement'
import { checkpointDigest, checkpointText, cosign, signNote } from '@sotto/protocol/note'
import type { RoomEvidence } from '@sotto/protocol/room'
import type { TrustedService, TrustPolicy } from '@sotto/verifier'
import { type RoomContext, type RoomResult, verifyRoom } from '@sotto/verifier/room'
import { beforeAll, describe, expect, it } from 'vitest'
import { bundleOf, judge, trustPolicyOf } from '../../packages/kms/test/client.ts'
import { OTHER_ROOM, ROOM, RoomWorld } from '../../packages/kms/test/contracts/room-world.ts'
import { Enclave, KMS_IMAGE, seed, type Workload, World } from '../../packages/kms/test/world.ts'
import { claim } from '../claims.ts'

type Change = Parameters<Enclave['request']>[1]

let world: RoomWorld
let service: TrustedService
let policy: TrustPolicy
let honest: RoomEvidence

beforeAll(async () => {
  world = await RoomWorld.open()
  service = (await serviceOf(world))!
  policy = trustPolicyOf(world)
  honest = await shownBy(ROOM)
})

async function serviceOf(one: World): Promise<TrustedService | undefined> {
  return judge(one, await bundleOf(one)).service
}

async function shownBy(workload: Workload, change?: Change): Promise<RoomEvidence> {
  const { artifacts: _, ...shown } = await new Enclave(workload).request(world, change)
  return shown
}

/** A checkpoint of the log of this world, as its witnesses would have seen it at another time. */
function noteAt(time: number, cosigning = 2): string {
  const { log } = world
  const text = checkpointText({
    origin: log.origin,
    size: log.entries.length,
    root: log.root(0, log.entries.length),
  })
  const seen = log.witnesses.slice(0, cosigning).map((witness) => cosign(text, witness, time))
  return signNote(text, log.signer) + seen.join('')
}

function verify(shown: RoomEvidence, change: Partial<RoomContext> = {}): RoomResult {
  return verifyRoom(shown, { service, policy, images: [ROOM.image], now: world.now, ...change })
}

/** It fails for this reason, at this step and at no other, and is no room. */
function expectRefused({ steps, room }: RoomResult, step: string, reason: RegExp): void {
  const failed = steps.filter(({ status }) => status === 'fail')
  expect(failed.map(({ name }) => name)).toEqual([step])
  const { reason: why = '', found = '' } = failed[0]!
  expect(`${why}: ${found}`).toMatch(reason)
  expect(room).toBeUndefined()
}

describe('a room of the deployment', () => {
  it('passes every step, and is named by what it showed', () => {
    const { steps, room } = verify(honest)
    expect(steps.map(({ name, status }) => `${name} ${status}`)).toEqual([
      'room.checkpoint pass',
      'room.evidence pass',
      'room.image pass',
    ])
    expect(room).toEqual({
      tuple: world.tuple(ROOM).name,
      images: [ROOM.image],
      hardware: [expect.stringMatching(/^software 02/)],
      evidence: evidenceDigest(honest.evidence),
      wrapKey: honest.binding.wrapKey,
      receiptKey: honest.binding.receiptKey,
    })
  })

  it('passes as any program that a contract pins, and where nothing is pinned yet', async () => {
    expect(verify(honest, { images: [OTHER_ROOM.image, ROOM.image] }).room).toBeDefined()
    const context = { service, policy, now: world.now }
    expect(verifyRoom(await shownBy(OTHER_ROOM), context).room).toMatchObject({ images: [OTHER_ROOM.image] })
  })

  it('passes until its evidence is as old as the key-release policy lets it be, and clocks may differ', async () => {
    const { evidenceMaxAgeSeconds } = service.keyPolicy
    const oldest = await shownBy(ROOM, { note: noteAt(world.now - evidenceMaxAgeSeconds) })
    expect(verify(oldest).room).toBeDefined()
    const ahead = await shownBy(ROOM, { note: noteAt(world.now + 300) })
    expect(verify(ahead).room).toBeDefined()
  })
})

interface Lie {
  what: string
  reason: RegExp
  shown: () => RoomEvidence | Promise<RoomEvidence>
  context?: () => Partial<RoomContext>
}

/** Shows a checkpoint that somebody else made: the evidence is bound to it all the same. */
const under = (note: () => string) => () => shownBy(ROOM, { note: note() })

const CHECKPOINTS: Lie[] = [
  {
    what: 'a checkpoint of another log',
    reason: /another log: other.test/,
    shown: under(() => {
      const text = checkpointText({ origin: 'other.test/log', size: 1, root: seed(1) })
      const seen = world.log.witnesses.map((witness) => cosign(text, witness, world.now))
      return signNote(text, { name: 'other.test/log', secretSeed: seed(101) }) + seen.join('')
    }),
  },
  {
    what: 'a checkpoint that another key signed for this log',
    reason: /not signed by the log key/,
    shown: under(() => {
      const text = checkpointText({ origin: world.log.origin, size: 1, root: seed(1) })
      const seen = world.log.witnesses.map((witness) => cosign(text, witness, world.now))
      return signNote(text, { name: world.log.origin, secretSeed: seed(111) }) + seen.join('')
    }),
  },
  {
    what: 'a checkpoint that too few witnesses saw',
    reason: /too few witnesses/,
    shown: under(() => noteAt(world.now, 1)),
  },
  {
    what: 'a checkpoint that no witness saw',
    reason: /too few witnesses/,
    shown: under(() => noteAt(world.now, 0)),
  },
  {
    what: 'a checkpoint that one witness saw twice',
    reason: /too few witnesses/,
    shown: under(() => {
      const note = noteAt(world.now, 1)
      return note + note.slice(note.trimEnd().lastIndexOf('\n') + 1)
    }),
  },
  {
    what: 'a checkpoint older than the policy lets evidence be',
    reason: /too old: 86401 s/,
    shown: under(() => noteAt(world.now - service.keyPolicy.evidenceMaxAgeSeconds - 1)),
  },
  {
    what: 'a checkpoint from the future',
    reason: /future.*: 301 s ahead/,
    shown: under(() => noteAt(world.now + 301)),
  },
  {
    what: 'evidence bound to another checkpoint than the one shown',
    reason: /another checkpoint/,
    shown: () => ({ ...honest, checkpoint: noteAt(world.now - 5) }),
  },
  {
    what: 'a binding that names another checkpoint',
    reason: /another checkpoint/,
    shown: () => shownBy(ROOM, { binding: { checkpoint: checkpointDigest(noteAt(world.now - 5)) } }),
  },
  {
    what: 'something that is no checkpoint',
    reason: /note|checkpoint/,
    shown: () => ({ ...honest, checkpoint: 'log\n1\nroot\n' }),
  },
]

const EVIDENCE: Lie[] = [
  {
    what: 'evidence for another deployment',
    reason: /another genesis: (?:ef){32}/,
    shown: () => shownBy(ROOM, { binding: { genesis: 'ef'.repeat(32) } }),
  },
  {
    what: 'evidence bound to another wrapping key',
    reason: /REPORT_DATA is bound to something else; policy.binding/,
    shown: () => withBinding({ wrapKey: toBase64Url(new Enclave(ROOM).wrapKey.publicKey) }),
  },
  {
    what: 'evidence bound to another receipt key',
    reason: /REPORT_DATA is bound to something else; policy.binding/,
    shown: () => withBinding({ receiptKey: toBase64Url(new Enclave(ROOM).receiptKey.publicKey) }),
  },
  {
    what: 'evidence of a workload that answers requests',
    reason: /MEASUREMENT is another/,
    shown: () => shownBy(world.workload),
  },
  {
    what: 'evidence of the KMS',
    reason: /MEASUREMENT is another/,
    shown: () => shownBy({ image: KMS_IMAGE, hostData: 'd4'.repeat(32) }),
  },
  {
    what: 'evidence of a program that nobody released',
    reason: /MEASUREMENT is another/,
    shown: () => shownBy({ ...ROOM, image: '77'.repeat(32) }),
  },
  {
    what: 'a released program with a configuration of another',
    reason: /HOST_DATA is another/,
    shown: () => shownBy({ ...ROOM, hostData: OTHER_ROOM.hostData }),
  },
  {
    what: 'evidence of a machine with another software root',
    reason: /does not name this software root/,
    shown: () => shownBy({ ...ROOM, machine: crypto.ecdsa.generate('P-384') }),
  },
  {
    what: 'evidence of another room with these keys',
    reason: /REPORT_DATA is bound to something else/,
    shown: async () => ({ ...honest, evidence: (await shownBy(OTHER_ROOM)).evidence }),
  },
  {
    what: 'a program whose measurement was revoked',
    reason: /revokes/,
    shown: () => honest,
    context: () => ({ policy: { ...policy, revoked: [softwareMeasurement(ROOM.image)] } }),
  },
  {
    what: 'a configuration that was revoked',
    reason: /revokes/,
    shown: () => honest,
    context: () => ({ policy: { ...policy, revoked: ['11'.repeat(32), ROOM.hostData] } }),
  },
]

const IMAGES: Lie[] = [
  {
    what: 'another program than the contract pins',
    reason: new RegExp(`pins another program: ${OTHER_ROOM.image}`),
    shown: () => shownBy(OTHER_ROOM),
  },
  {
    what: 'a program where the contract pins none',
    reason: /pins another program/,
    shown: () => honest,
    context: () => ({ images: [] }),
  },
  {
    what: 'a tuple that two releases cover, of which the contract pins one',
    reason: /pins another program: (?:99){32}/,
    shown: () => honest,
    context: () => ({ service: { ...service, rooms: roomsWith(ROOM.image, '99'.repeat(32)) } }),
  },
  {
    what: 'a tuple that no release covers',
    reason: /no release statement/,
    shown: () => honest,
    context: () => ({ service: { ...service, rooms: new Map() } }),
  },
]

function withBinding(change: Partial<RoomEvidence['binding']>): RoomEvidence {
  return { ...honest, binding: { ...honest.binding, ...change } }
}

/** The releases of the honest room's tuple, one for each of these images. */
function roomsWith(...images: string[]): ReadonlyMap<string, readonly ReleaseStatement[]> {
  const { name } = world.tuple(ROOM)
  const [release] = service.rooms.get(name)!
  const [, configuration] = release!.subject
  const of = (sha256: string): ReleaseStatement => ({
    ...release!,
    subject: [{ name: 'image', digest: { sha256 } }, configuration],
  })
  return new Map([[name, images.map(of)]])
}

describe(claim(['T6', 'rooms.consent'], 'the state of the log that evidence is bound to'), () => {
  it.each(CHECKPOINTS)('refuses $what', async ({ shown, context, reason }) => {
    const result = verify(await shown(), context?.())
    expectRefused(result, 'room.checkpoint', reason)
    // What rests on it is not even looked at.
    expect(result.steps.map(({ status }) => status)).toEqual(['fail', 'skipped', 'skipped'])
  })
})

describe(claim(['T1', 'T2', 'chain.policy', 'rooms.consent'], 'evidence of a room'), () => {
  it.each(EVIDENCE)('refuses $what', async ({ shown, context, reason }) => {
    expectRefused(verify(await shown(), context?.()), 'room.evidence', reason)
  })

  it('is of the tuples of role room alone: one tuple never lends another its values', async () => {
    const { rooms } = service
    expect([...rooms.keys()]).toEqual([ROOM, OTHER_ROOM].map((room) => world.tuple(room).name))
    for (const room of [ROOM, OTHER_ROOM]) {
      const releases = rooms.get(world.tuple(room).name)!
      expect(releases.map(({ subject }) => subject[0].digest.sha256)).toEqual([room.image])
      expect(releases.map(({ predicate }) => predicate.role)).toEqual(['room'])
    }
    expect([...service.workloads.keys()]).toEqual([world.tuple().name])
  })

  it('passes nowhere where the policy has no room, which is still a deployment', async () => {
    const plain = await World.ready()
    const without = (await serviceOf(plain))!
    expect(without.rooms.size).toBe(0)
    const { artifacts: _, ...shown } = await new Enclave(ROOM).request(plain)
    const result = verifyRoom(shown, { service: without, policy: trustPolicyOf(plain), now: plain.now })
    expectRefused(result, 'room.evidence', /no tuple of role room/)
  })

  it('is not believed with any bit changed, of evidence, collateral, keys or checkpoint', () => {
    const [piece] = honest.evidence
    const parts: [name: string, bytes: Uint8Array, put: (bytes: string) => RoomEvidence][] = [
      ['evidence', fromBase64Url(piece!.evidence), (evidence) => withPiece({ evidence })],
      ...Object.entries(piece!.collateral).map(([name, bytes]): (typeof parts)[number] => [
        `collateral ${name}`,
        fromBase64Url(bytes),
        (changed) => withPiece({ collateral: { ...piece!.collateral, [name]: changed } }),
      ]),
      ...(['wrapKey', 'receiptKey'] as const).map((name): (typeof parts)[number] => [
        name,
        fromBase64Url(honest.binding[name]),
        (changed) => withBinding({ [name]: changed }),
      ]),
    ]
    const place = fc
      .constantFrom(...parts)
      .chain((part) => fc.tuple(fc.constant(part), fc.nat(part[1].length * 8 - 1)))
    fc.assert(
      fc.property(place, ([[name, bytes, put], bit]) => {
        const changed = bytes.slice()
        changed[bit >> 3]! ^= 1 << (bit & 7)
        const { room, steps } = verify(put(toBase64Url(changed)))
        expect(room, `${name}, bit ${bit}`).toBeUndefined()
        expect(steps.find(({ status }) => status === 'fail')?.name).toBe('room.evidence')
      }),
      { numRuns: 150 },
    )
    fc.assert(
      fc.property(fc.nat(honest.checkpoint.length - 1), fc.nat(6), (at, bit) => {
        const code = honest.checkpoint.charCodeAt(at) ^ (1 << bit)
        const checkpoint =
          honest.checkpoint.slice(0, at) + String.fromCharCode(code) + honest.checkpoint.slice(at + 1)
        expect(verify({ ...honest, checkpoint }).room).toBeUndefined()
      }),
      { numRuns: 150 },
    )
  })

  it('never throws, whatever is shown', () => {
    const bytes = fc.uint8Array({ maxLength: 1300 }).map(toBase64Url)
    const shown = fc.record({
      evidence: fc.array(
        fc.record({
          family: fc.constantFrom<Evidence[number]['family']>('software', 'sev-snp', 'tdx', 'nvidia'),
          evidence: bytes,
          collateral: fc.dictionary(fc.constantFrom('root', 'vcek', 'extra'), bytes),
        }),
        { maxLength: 3 },
      ),
      binding: fc.constant(honest.binding),
      checkpoint: fc.oneof(fc.constant(honest.checkpoint), fc.string()),
    })
    fc.assert(
      fc.property(shown, (one) => {
        expect(verify(one as RoomEvidence).room).toBeUndefined()
      }),
    )
  })
})

function withPiece(change: Partial<Evidence[number]>): RoomEvidence {
  return { ...honest, evidence: [{ ...honest.evidence[0]!, ...change }] }
}

describe(claim(['T2', 'rooms.consent'], 'the program of a room'), () => {
  it.each(IMAGES)('refuses $what', async ({ shown, context, reason }) => {
    expectRefused(verify(await shown(), context?.()), 'room.image', reason)
  })
})
