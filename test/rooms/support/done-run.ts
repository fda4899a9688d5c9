import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import {
  type Contract,
  type NamedContract,
  parseContract,
  planRun,
  type RunOffer,
  type RunPermit,
  type RunReceipt,
  RUN_TYPES,
  type SealedOutput,
  signSealedOutput,
  wrapOutputKeys,
} from '@sotto/protocol/contract'
import { crypto } from '@sotto/protocol/crypto-backend'
import { type DsseSigner, parseDsse, signDsse } from '@sotto/protocol/dsse'
import { documentDigest } from '@sotto/protocol/keyrelease'
import {
  type OfferedRun,
  RUN_PREDICATE,
  type RunProvenance,
  type RunView,
  signRunProvenance,
} from '@sotto/protocol/room'
import { expect } from 'vitest'
import { ARTIFACTS, type Run, RoomWorld } from '../../../packages/kms/test/contracts/room-world.ts'
import { payloadOf, type Workload } from '../../../packages/kms/test/world.ts'

/** A run that is over: what its KMS signed, and what its room is about to sign. */
export interface DoneRun {
  offered: OfferedRun
  id: string
  receipt: string
  permit: string
  outputs: SealedOutput[]
  provenance: RunProvenance
  /** Of the room's receipt key. */
  room: DsseSigner
}

/** A KMS whose parties agreed on two outputs, and on what one of the inputs is; everything is there for runs. */
export async function openAgreed(change: Partial<Contract> = {}): Promise<RoomWorld> {
  const world = await RoomWorld.open()
  const { inputs, outputs } = world.contract
  const [accounts, purchases] = inputs.map((input) => ({
    ...input,
    uses: input.uses.map((use) => ({ ...use, runs: 100 })),
  }))
  world.use({
    ...world.contract,
    inputs: [{ ...accounts!, content: ARTIFACTS.accounts.content }, purchases!],
    outputs: [...outputs, { name: 'totals', from: 'overlap', receivers: ['bank', 'shop'], maxBytes: 4096 }],
    ...change,
  })
  await world.prepared()
  return world
}

/** The contract as a party has it. */
export function namedOf({ text }: RoomWorld): NamedContract {
  return parseContract(utf8(text))
}

/** What a room shows before a run begins. @param change of what it offers */
export async function offeredBy(
  world: RoomWorld,
  change: Partial<RunOffer> = {},
  workload?: Workload,
): Promise<OfferedRun> {
  return shownOf(await world.offer(change, workload))
}

function shownOf({ offer, request }: Run): OfferedRun {
  const { artifacts: _, ...shown } = request
  return { offer, shown }
}

/** One run from offer to permit, as an honest room and KMS do it. */
export async function doneRun(world: RoomWorld): Promise<DoneRun> {
  const run = await world.offer()
  const { receipt } = await world.run(run)
  const made = [
    { output: 'offers', digest: 'd1'.repeat(32), bytes: 100 },
    { output: 'totals', digest: 'd2'.repeat(32), bytes: 0 },
  ]
  const { permit } = await world.ok<{ permit: string }>(world.result(run, { outputs: made }))
  const about = { genesis: world.genesis, contract: world.digest, run: run.id }
  const plan = planRun(world.contract, run.offer.transform)
  const outputs = made.map((one, at): SealedOutput => {
    const { receivers } = plan.outputs.find(({ name }) => name === one.output)!
    const parties = world.contract.parties.filter(({ name }) => receivers.includes(name))
    const of = { ...about, output: one.output, artifact: `0${at}`.repeat(16) }
    const keys = wrapOutputKeys(of, parties, crypto.randomBytes(32))
    return { format: 'sotto-room-output/1', ...of, ...one, sealed: 'cc'.repeat(32), keys }
  })
  const { image, evidence, charges, sequence } = payloadOf<RunReceipt>(receipt)
  const provenance: RunProvenance = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: made.map(({ output, digest }) => ({ name: output, digest: { sha256: digest } })),
    predicateType: RUN_PREDICATE,
    predicate: {
      ...about,
      inputs: run.offer.inputs.map((one) => ({ ...one, sealed: '99'.repeat(32) })),
      steps: plan.transforms.map(({ name, task }) => ({
        transform: name,
        kind: task.kind,
        task: documentDigest(task),
      })),
      image,
      evidence,
      charges,
      sequence,
      receipt: documentDigest(utf8(receipt)),
      permit: documentDigest(utf8(permit)),
      startedAt: world.now,
      finishedAt: world.now + 1,
    },
  }
  const { seed: secretSeed, publicKey } = run.enclave.receiptKey
  return {
    offered: shownOf(run),
    id: run.id,
    receipt,
    permit,
    outputs,
    provenance,
    room: { secretSeed, publicKey },
  }
}

/** What members are shown of it, signed by its room. @param change of what the room signs @param by another room */
export function viewOf(
  { id, receipt, permit, outputs, provenance, room }: DoneRun,
  change: Partial<Pick<DoneRun, 'outputs' | 'provenance'>> = {},
  by: DsseSigner = room,
): RunView {
  return {
    run: id,
    state: 'done',
    review: [],
    receipt,
    permit,
    outputs: (change.outputs ?? outputs).map((one) => signSealedOutput(one, by)),
    provenance: signRunProvenance(change.provenance ?? provenance, by),
  }
}

/** A statement as the KMS would sign it, were it to say something else. */
export function signedByKms<Kind extends 'receipt' | 'permit'>(
  { kms }: RoomWorld,
  kind: Kind,
  envelope: string,
  change: Partial<Kind extends 'receipt' ? RunReceipt : RunPermit>,
): string {
  return kms.view.boot.statementKey.sign(RUN_TYPES[kind], { ...payloadOf<object>(envelope), ...change })
}

/** The same statement, signed by somebody else. */
export function signedBy(signer: DsseSigner, envelope: string): string {
  const { payloadType, payload } = parseDsse(utf8(envelope))
  return fromUtf8(signDsse(payloadType, payload, [signer]))
}

/** A refusal by this code, with this in what it says. */
export function refusal(code: string, said: RegExp): unknown {
  return expect.objectContaining({
    code,
    ...(code === 'ROOM_OFFER' && { action: 'stop' }),
    message: expect.stringMatching(said) as string,
  })
}
