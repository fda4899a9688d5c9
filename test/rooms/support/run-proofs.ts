import { fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import {
  type Contract,
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
import { type DsseSigner, parseDsse } from '@sotto/protocol/dsse'
import { encodeTrustBundle } from '@sotto/protocol/evidence'
import { documentDigest } from '@sotto/protocol/keyrelease'
import { RUN_PREDICATE, type RunProvenance, signRunProvenance } from '@sotto/protocol/room'
import type { RunProof } from '@sotto/client/rooms'
import { bundleOf } from '../../../packages/kms/test/client.ts'
import { type Run, RoomWorld } from '../../../packages/kms/test/contracts/room-world.ts'

/** What a room, whose keys the test has, says otherwise than the truth. */
export interface RoomLies {
  offer?: Partial<RunOffer>
  predicate?: Partial<RunProvenance['predicate']>
  output?: Partial<SealedOutput>
}

/** A KMS in memory and rooms of a test: runs with genuine evidence, receipts and permits, that compute nothing. */
export class ProofWorld {
  readonly world: RoomWorld

  private constructor(world: RoomWorld) {
    this.world = world
  }

  /** @param change of the contract of a bank and a shop */
  static async open(change: Partial<Contract> = {}): Promise<ProofWorld> {
    const world = await RoomWorld.open(change)
    await world.prepared()
    return new ProofWorld(world)
  }

  /** The proof of one more run. */
  async prove(lies: RoomLies = {}): Promise<RunProof> {
    const { world } = this
    const run = await world.offer(lies.offer)
    const { receipt } = await world.run(run)
    const { permit } = await world.ok<{ permit: string }>(world.result(run))
    return this.proofOf(run, { receipt, permit }, lies)
  }

  /** What the room says of a run, given what the KMS said. Of several outputs, lies are about the first. */
  async proofOf(
    run: Run,
    { receipt, permit }: { receipt: string; permit: string },
    { predicate, output }: RoomLies = {},
  ): Promise<RunProof> {
    const { world } = this
    const { offer, request, id, enclave } = run
    const { artifacts: _, ...shown } = request
    const room: DsseSigner = {
      secretSeed: enclave.receiptKey.seed,
      publicKey: enclave.receiptKey.publicKey,
    }
    const about = { genesis: world.genesis, contract: world.digest, run: id }
    const told = payloadOf<RunReceipt>(receipt)
    const outputs = payloadOf<RunPermit>(permit).outputs.map((made, at): SealedOutput => {
      const { receivers } = world.contract.outputs.find(({ name }) => name === made.output)!
      const parties = world.contract.parties.filter(({ name }) => receivers.includes(name))
      const of = { ...about, output: made.output, artifact: '0c'.repeat(16) }
      return {
        format: 'sotto-room-output/1',
        ...of,
        digest: made.digest,
        bytes: made.bytes,
        sealed: 'cc'.repeat(32),
        keys: wrapOutputKeys(of, parties, crypto.randomBytes(32)),
        ...(at === 0 && output),
      }
    })
    const provenance: RunProvenance = {
      _type: 'https://in-toto.io/Statement/v1',
      subject: outputs.map(({ output: name, digest }) => ({ name, digest: { sha256: digest } })),
      predicateType: RUN_PREDICATE,
      predicate: {
        ...about,
        inputs: offer.inputs.map((one) => ({ ...one, sealed: '99'.repeat(32) })),
        steps: planRun(world.contract, offer.transform).transforms.map(({ name, task }) => ({
          transform: name,
          kind: task.kind,
          task: documentDigest(task),
        })),
        image: told.image,
        evidence: told.evidence,
        charges: told.charges,
        sequence: told.sequence,
        receipt: documentDigest(utf8(receipt)),
        permit: documentDigest(utf8(permit)),
        startedAt: world.now,
        finishedAt: world.now + 1,
        ...predicate,
      },
    }
    return {
      format: 'sotto-run-proof/1',
      contract: world.text,
      offered: { offer, shown },
      view: {
        run: id,
        state: 'done',
        review: [],
        receipt,
        permit,
        outputs: outputs.map((one) => signSealedOutput(one, room)),
        provenance: signRunProvenance(provenance, room),
      },
      bundle: toBase64Url(encodeTrustBundle(await bundleOf(world))),
      at: world.now,
    }
  }

  /** A statement of the KMS, were its key in the hands of somebody else. @param kind whose payload type */
  signedByKms(kind: 'receipt' | 'permit', document: object): string {
    return this.world.kms.view.boot.statementKey.sign(RUN_TYPES[kind], document)
  }
}

/** What an envelope says, whoever signed it. */
export function payloadOf<T>(envelope: string): T {
  return JSON.parse(fromUtf8(parseDsse(utf8(envelope)).payload)) as T
}
