import { judgeRun } from '@sotto/client/rooms'
import type { TrustedService } from '@sotto/verifier'
import { type NamedContract, type SealedOutput, wrapOutputKeys } from '@sotto/protocol/contract'
import type { RunProvenance, RunView } from '@sotto/protocol/room'
import { beforeAll, describe, expect, it } from 'vitest'
import { bundleOf, judge } from '../../packages/kms/test/client.ts'
import { OTHER_ROOM, ROOM, type RoomWorld } from '../../packages/kms/test/contracts/room-world.ts'
import { signer } from '../../packages/kms/test/world.ts'
import { claim } from '../claims.ts'
import {
  type DoneRun,
  doneRun,
  namedOf,
  openAgreed,
  refusal,
  signedBy,
  signedByKms,
  viewOf,
} from './support/done-run.ts'

let world: RoomWorld
let named: NamedContract
let service: TrustedService
let done: DoneRun
/** Another run of the same contract, as honest as the first. */
let other: DoneRun

beforeAll(async () => {
  world = await openAgreed()
  named = namedOf(world)
  service = judge(world, await bundleOf(world)).service!
  done = await doneRun(world)
  other = await doneRun(world)
})

interface RunLie {
  what: string
  code: string
  said: RegExp
  view: () => Partial<RunView>
}

const STRANGER = signer(99)
const REPLACED = /not what the KMS permitted|for other receivers/
const outputs = (change: (all: SealedOutput[]) => SealedOutput[]): (() => Partial<RunView>) => {
  return () => viewOf(done, { outputs: change(done.outputs) })
}
const first = (change: Partial<SealedOutput>) => outputs(([one, two]) => [{ ...one!, ...change }, two!])
const subject = (change: (all: RunProvenance['subject']) => RunProvenance['subject']) => () =>
  viewOf(done, { provenance: { ...done.provenance, subject: change(done.provenance.subject) } })

const MISSING = (['receipt', 'permit', 'provenance'] as const).map((member): RunLie => ({
  what: `no ${member}`,
  code: 'ROOM_OFFER',
  said: /something is missing/,
  view: () => ({ [member]: undefined }),
}))

const STATEMENTS: RunLie[] = [
  ...MISSING,
  {
    what: 'a view of another run',
    code: 'ROOM_OFFER',
    said: /something is missing/,
    view: () => ({ run: other.id }),
  },
  {
    what: 'the receipt of another run',
    code: 'CONTRACT_OTHER',
    said: /receipt of a run is about another run/,
    view: () => ({ receipt: other.receipt }),
  },
  {
    what: 'the permit of another run',
    code: 'CONTRACT_OTHER',
    said: /permit of a run is about another run/,
    view: () => ({ permit: other.permit }),
  },
  {
    what: 'the provenance of another run',
    code: 'ROOM_SIGNATURE',
    said: /did not sign its provenance/,
    view: () => ({ provenance: viewOf(other).provenance! }),
  },
  {
    what: 'the provenance of another run, signed by this room',
    code: 'ROOM_OTHER',
    said: /provenance is of another run/,
    view: () => viewOf(done, { provenance: other.provenance }),
  },
  {
    what: 'an output of another run',
    code: 'CONTRACT_SIGNATURE',
    said: /did not/,
    view: () => ({ outputs: [viewOf(other).outputs[0]!, viewOf(done).outputs[1]!] }),
  },
  {
    what: 'an output of another run, signed by this room',
    code: 'CONTRACT_OTHER',
    said: /another run/,
    view: outputs(([, two]) => [other.outputs[0]!, two!]),
  },
  {
    what: 'a receipt that somebody else signed',
    code: 'CONTRACT_SIGNATURE',
    said: /another key signed the receipt/,
    view: () => ({ receipt: signedBy(STRANGER, done.receipt) }),
  },
  {
    what: 'a permit that the room signed itself',
    code: 'CONTRACT_SIGNATURE',
    said: /another key signed the permit/,
    view: () => ({ permit: signedBy(done.room, done.permit) }),
  },
  {
    what: 'a permit where the receipt belongs',
    code: 'CONTRACT_MALFORMED',
    said: /no receipt of a run/,
    view: () => ({ receipt: done.permit }),
  },
  {
    what: 'provenance and outputs of somebody else',
    code: 'ROOM_SIGNATURE',
    said: /did not sign its provenance/,
    view: () => viewOf(done, {}, STRANGER),
  },
  {
    what: 'a receipt for the evidence of another room',
    code: 'ROOM_OFFER',
    said: /about another room/,
    view: () => ({ receipt: signedByKms(world, 'receipt', done.receipt, { evidence: 'ab'.repeat(32) }) }),
  },
  {
    what: 'a receipt for a program that the contract does not pin',
    code: 'ROOM_OFFER',
    said: /about another room/,
    view: () => ({ receipt: signedByKms(world, 'receipt', done.receipt, { image: OTHER_ROOM.image }) }),
  },
  {
    what: 'another receipt of the KMS than the room was given',
    code: 'ROOM_OFFER',
    said: /something else than its KMS/,
    view: () => ({ receipt: signedByKms(world, 'receipt', done.receipt, { issuedAt: world.now + 1 }) }),
  },
  {
    what: 'another permit of the KMS than the room was given',
    code: 'ROOM_OFFER',
    said: /something else than its KMS/,
    view: () => ({ permit: signedByKms(world, 'permit', done.permit, { issuedAt: world.now + 1 }) }),
  },
]

const OUTPUTS: RunLie[] = [
  { what: 'no outputs', code: 'ROOM_OFFER', said: REPLACED, view: () => ({ outputs: [] }) },
  { what: 'an output left out', code: 'ROOM_OFFER', said: REPLACED, view: outputs((all) => all.slice(1)) },
  {
    what: 'an output that the KMS did not permit',
    code: 'ROOM_OFFER',
    said: /more outputs than/,
    view: outputs((all) => [...all, { ...all[0]!, output: 'more' }]),
  },
  {
    what: 'an output twice',
    code: 'ROOM_OFFER',
    said: /more outputs than/,
    view: outputs((all) => [...all, all[0]!]),
  },
  {
    what: 'an output twice, and the other one not at all',
    code: 'ROOM_OFFER',
    said: REPLACED,
    view: outputs(([one]) => [one!, one!]),
  },
  {
    what: 'two sealings of one output',
    code: 'ROOM_OFFER',
    said: /more outputs than/,
    view: outputs((all) => [...all, { ...all[0]!, sealed: 'ab'.repeat(32) }]),
  },
  {
    what: 'an output under another name',
    code: 'ROOM_OFFER',
    said: REPLACED,
    view: first({ output: 'others' }),
  },
  { what: 'another output', code: 'ROOM_OFFER', said: REPLACED, view: first({ digest: 'ab'.repeat(32) }) },
  { what: 'an output of another length', code: 'ROOM_OFFER', said: REPLACED, view: first({ bytes: 101 }) },
  {
    what: 'an output of another contract',
    code: 'ROOM_OFFER',
    said: REPLACED,
    view: first({ contract: 'ab'.repeat(32) }),
  },
  {
    what: 'an output of another deployment',
    code: 'ROOM_OFFER',
    said: REPLACED,
    view: first({ genesis: 'ab'.repeat(32) }),
  },
  {
    what: 'an output sealed to one party more',
    code: 'ROOM_OFFER',
    said: REPLACED,
    view: () => {
      const [one, two] = done.outputs
      const keys = wrapOutputKeys(one!, named.contract.parties, new Uint8Array(32))
      return viewOf(done, { outputs: [{ ...one!, keys }, two!] })
    },
  },
  {
    what: 'an output sealed to one receiver fewer',
    code: 'ROOM_OFFER',
    said: REPLACED,
    view: outputs(([one, two]) => [one!, { ...two!, keys: two!.keys.slice(1) }]),
  },
  {
    what: 'an output sealed to one receiver twice',
    code: 'ROOM_OFFER',
    said: REPLACED,
    view: outputs(([one, two]) => [{ ...one!, keys: [one!.keys[0]!, one!.keys[0]!] }, two!]),
  },
  {
    what: 'an output sealed to another party instead',
    code: 'ROOM_OFFER',
    said: REPLACED,
    view: outputs(([one, two]) => [{ ...one!, keys: [{ ...one!.keys[0]!, party: 'bank' }] }, two!]),
  },
]

const MEMBERS: { [Member in keyof RunProvenance['predicate']]?: unknown } = {
  genesis: 'ab'.repeat(32),
  contract: 'ab'.repeat(32),
  image: OTHER_ROOM.image,
  evidence: 'ab'.repeat(32),
  charges: [],
  sequence: 77,
  receipt: 'ab'.repeat(32),
  permit: 'ab'.repeat(32),
}

const PROVENANCE: RunLie[] = [
  {
    what: 'a provenance without one of the outputs',
    code: 'ROOM_OFFER',
    said: REPLACED,
    view: subject((all) => all.slice(1)),
  },
  {
    what: 'a provenance of one output more',
    code: 'ROOM_OFFER',
    said: /more outputs than/,
    view: subject((all) => [...all, { name: 'more', digest: { sha256: 'ab'.repeat(32) } }]),
  },
  {
    what: 'a provenance of another output',
    code: 'ROOM_OFFER',
    said: REPLACED,
    view: subject(([one, two]) => [{ ...one!, digest: { sha256: 'ab'.repeat(32) } }, two!]),
  },
  {
    what: 'a provenance with outputs exchanged',
    code: 'ROOM_OFFER',
    said: REPLACED,
    view: subject(([one, two]) => [
      { ...one!, digest: two!.digest },
      { ...two!, digest: one!.digest },
    ]),
  },
]

describe(claim(['rooms.proof', 'rooms.sealed'], 'what is said of a run that is done'), () => {
  const judgeView = (change: Partial<RunView>) =>
    judgeRun(named, done.offered, { ...viewOf(done), ...change }, [service.signingKey])

  it('holds together where KMS and room said it of this run', () => {
    const judged = judgeView({})
    expect(judged.receipt).toMatchObject({ run: done.id, sequence: 1, image: ROOM.image })
    expect(judged.outputs).toEqual(done.outputs)
    expect(judged.provenance).toEqual(done.provenance)
    expect(judgeRun(named, other.offered, viewOf(other), [service.signingKey]).receipt.sequence).toBe(2)
  })

  it('is the same in whatever order outputs and their receivers stand', () => {
    const all = done.outputs.map((one) => ({ ...one, keys: one.keys.toReversed() })).toReversed()
    expect(judgeView(viewOf(done, { outputs: all })).outputs).toEqual(all)
  })

  it.each([...STATEMENTS, ...OUTPUTS, ...PROVENANCE])('refuses $what', ({ code, said, view }) => {
    const change = view()
    expect(() => judgeView(change)).toThrow(refusal(code, said))
  })

  it.each(Object.entries(MEMBERS))('refuses a provenance whose %s the KMS did not say', (member, value) => {
    const { predicate } = done.provenance
    const provenance = { ...done.provenance, predicate: { ...predicate, [member]: value } } as RunProvenance
    expect(() => judgeView(viewOf(done, { provenance }))).toThrow(
      expect.objectContaining({ code: 'ROOM_OFFER', action: 'stop', found: member }),
    )
  })

  it('is not believed of another offer', () => {
    const view = { ...viewOf(done), run: other.id }
    expect(() => judgeRun(named, other.offered, view, [service.signingKey])).toThrow(
      refusal('CONTRACT_OTHER', /receipt of a run is about another run/),
    )
  })

  it('is not believed of another KMS', () => {
    const signingKey = STRANGER.publicKey
    expect(() => judgeRun(named, done.offered, viewOf(done), [signingKey])).toThrow(
      refusal('CONTRACT_SIGNATURE', /another key signed the receipt/),
    )
  })
})
