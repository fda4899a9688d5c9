/** A service with boards, a KMS and a room, all in memory; what parties see of it goes through the real SDK. */
import type { Sotto } from '@sotto/client'
import { fromUtf8, toBase64Url, toHex, utf8 } from '@sotto/protocol/bytes'
import {
  type ConsentKind,
  type ContractView,
  contractPhase,
  encodeContract,
  encodeOutputMetadata,
  type Name,
  type NamedContract,
  type OutputApproval,
  outputDigest,
  planRun,
  remaining,
  requireConsents,
  RUN_TYPES,
  runDigest,
  type RunOffer,
  type RunReceipt,
  signPartyDocument,
  signSealedOutput,
  type Spent,
  verifyOffer,
  verifyPartyDocument,
  verifySealedOutput,
  wrapOutputKeys,
} from '@sotto/protocol/contract'
import { crypto } from '@sotto/protocol/crypto-backend'
import { signDsse } from '@sotto/protocol/dsse'
import { encodeDocument, evidenceDigest, WRAP_SUITE } from '@sotto/protocol/keyrelease'
import type { OfferedRun, RunCheckpoint, RunView } from '@sotto/protocol/room'
import { sealArtifact } from '@sotto/protocol/sealed'
import type { VerifiedRoom } from '@sotto/verifier/room'
import { createFakeBoard, type FakeBoard } from '../../../client/test/rooms/board/fake-board.ts'
import { clientError } from '../../../client/src/errors.ts'
import type { Acting, Contracts } from '../../../client/src/rooms/contracts.ts'
import { openRoom, type RoomConnection, type RoomMember } from '../../../client/src/rooms/index.ts'
import type { RoomRuns } from '../../../client/src/rooms/runs/index.ts'

const seed = (fill: number): Uint8Array => new Uint8Array(32).fill(fill)
const signerOf = (fill: number) => ({
  secretSeed: seed(fill),
  publicKey: crypto.ed25519.importPrivate(seed(fill)).publicKey,
})
const KMS = signerOf(40)
const ROOM = signerOf(41)
const IMPORT_KEY = toBase64Url(WRAP_SUITE.kem.generate().publicKey)
const SHOWN_EVIDENCE: OfferedRun['shown']['evidence'] = [
  { family: 'software', evidence: toBase64Url(new Uint8Array(64).fill(1)), collateral: {} },
]

/** Of a run that is done: nothing of it is signed, and nothing here reads it. */
const SAID = { permit: 'made up', provenance: 'made up' }

/** What the KMS keeps of a contract. */
interface Held {
  named: NamedContract
  accepted: Name[]
  closed: Name[]
  withdrawn: { party: Name; consent: ConsentKind }[]
  data: Map<Name, string>
  spent: Spent[]
  runs: number
}

/** A run in the room. */
interface Running {
  named: NamedContract
  offered: OfferedRun
  view: RunView
}

export class RoomWorld {
  readonly board: FakeBoard
  readonly held = new Map<string, Held>()
  readonly running = new Map<string, Running>()
  readonly image = 'cd'.repeat(32)
  /** States that somebody asked a room to go on from. */
  readonly goesOnFrom: RunCheckpoint[] = []
  /** What runs give, for every output. */
  result: Uint8Array = utf8('{"columns":[{"name":"n","type":"integer"}]}\n[42]\n')
  /** How a run ends that begins now. */
  failure: RunView['failure']
  /** Where the evidence of a room is not what it should be. */
  refusesRoom = false
  /** Where the room says that it waits, also with every approval. */
  keepsWaiting = false
  /** Where the room begins no run. */
  beginsNothing = false
  /** Looks at runs that get no answer from now on. */
  misses = 0
  /** What was asked of KMS and room, in order. */
  readonly asked: string[] = []
  readonly genesis: string
  now: () => number

  constructor(genesis: string, now: () => number) {
    this.genesis = genesis
    this.now = now
    this.board = createFakeBoard(genesis)
  }

  /** As `openService` gives it. */
  sotto(): Sotto {
    const contracts = this.#contracts()
    const runs = this.#runs()
    const connection = {
      fetch: this.#fetch,
      service: async () => ({
        genesis: this.genesis,
        importKey: IMPORT_KEY,
        keyPolicyDigest: 'ee'.repeat(32),
        signingKey: KMS.publicKey,
      }),
      policy: {},
      now: this.now,
      contracts,
      runs,
      bundle: () => utf8('bundle'),
    } as unknown as RoomConnection
    const open = async (member: RoomMember) => openRoom({ ...member, pollMs: 5 }, connection)
    return {
      rooms: { ...contracts, runs, open },
      trust: { ok: true, software: true, steps: [] },
    } as unknown as Sotto
  }

  #fetch = (async (input: string, init?: RequestInit) => {
    if (!String(input).includes('/v1/rooms/keys/')) return this.board.fetch(input, init)
    this.asked.push('import')
    return Response.json({})
  }) as typeof globalThis.fetch

  #contracts(): Contracts {
    const show = (held: Held): ContractView => ({
      phase: contractPhase({ ...held, contract: held.named.contract }, this.now()),
      contract: fromUtf8(encodeContract(held.named.contract)),
      accepted: held.accepted,
      closed: held.closed,
      withdrawn: held.withdrawn,
      data: [...held.data].map(([input, envelope]) => ({ input, envelope })),
      left: remaining(held.named.contract, held.spent),
      runs: held.runs,
    })
    const change = async (
      named: NamedContract,
      call: string,
      apply: (held: Held) => void,
    ): Promise<ContractView> => {
      this.asked.push(call)
      const held = this.held.get(named.digest)
      if (held === undefined) throw refusal('KMS_CONTRACT_UNKNOWN')
      apply(held)
      return show(held)
    }
    return {
      accept: async (named, acting) => {
        if (!this.held.has(named.digest))
          this.held.set(named.digest, {
            named,
            accepted: [],
            closed: [],
            withdrawn: [],
            data: new Map(),
            spent: [],
            runs: 0,
          })
        return change(named, 'accept', ({ accepted }) => accepted.push(nameIn(named, acting)))
      },
      state: (named, statement) =>
        change(named, 'state', ({ data }) => {
          const { document } = verifyPartyDocument('data', statement, named)
          data.set(document.input, statement)
        }),
      withdraw: (named, consent, acting) =>
        change(named, `withdraw ${consent}`, ({ withdrawn }) =>
          withdrawn.push({ party: nameIn(named, acting), consent }),
        ),
      close: (named, acting) => change(named, 'close', ({ closed }) => closed.push(nameIn(named, acting))),
      show: (named) => change(named, 'show', () => {}),
    }
  }

  #runs(): RoomRuns {
    const room: VerifiedRoom = {
      tuple: 'room-a',
      images: [this.image],
      hardware: ['software 1234'],
      evidence: evidenceDigest(SHOWN_EVIDENCE),
      wrapKey: toBase64Url(new Uint8Array(1216).fill(1)),
      receiptKey: toBase64Url(ROOM.publicKey),
    }
    const judge: RoomRuns['judge'] = async (named, { offer }) => {
      if (this.refusesRoom) throw clientError('ROOM_OFFER', 'the room of this run does not pass')
      return { run: runDigest(offer), plan: verifyOffer(offer, named, this.now()), room, steps: [] }
    }
    const of = (run: string): Running => {
      const found = this.running.get(run)
      if (found === undefined) throw refusal('ROOM_RUN_UNKNOWN')
      return found
    }
    return {
      room: async () => room,
      judge,
      offer: async (named, wanted, acting) => {
        const { transform, template, arguments: given = [], data, resumes, checkpoint } = wanted
        this.asked.push(`offer ${transform}`)
        if (checkpoint) this.goesOnFrom.push(checkpoint)
        nameIn(named, acting)
        const offer: RunOffer = {
          format: 'sotto-room-run/1',
          genesis: this.genesis,
          contract: named.digest,
          transform,
          ...(template !== undefined && { template }),
          arguments: given,
          ...(resumes !== undefined && { resumes }),
          inputs: planRun(named.contract, transform).inputs.map(({ name }) => {
            const envelope = data.find(({ input }) => input === name)?.envelope
            if (envelope === undefined) throw refusal('CONTRACT_RUN')
            const { artifact, content } = verifyPartyDocument('data', envelope, named).document
            return { input: name, artifact, content }
          }),
          wrapKey: room.wrapKey,
          receiptKey: room.receiptKey,
          evidence: room.evidence,
          nonce: toHex(crypto.randomBytes(16)),
          at: this.now(),
          notAfter: this.now() + 3600,
        }
        const offered: OfferedRun = {
          offer,
          shown: {
            evidence: SHOWN_EVIDENCE,
            binding: {
              version: 1,
              genesis: this.genesis,
              wrapKey: room.wrapKey,
              receiptKey: room.receiptKey,
              checkpoint: 'ab'.repeat(32),
            },
            checkpoint: 'log\n1\n',
          },
        }
        await judge(named, offered)
        const run = runDigest(offer)
        this.running.set(run, { named, offered, view: { run, state: 'offered', review: [], outputs: [] } })
        return offered
      },
      consent: async (named, offered, acting) => {
        const { run } = await judge(named, offered)
        return signPartyDocument(
          'consent',
          {
            format: 'sotto-room-run-consent/1',
            genesis: this.genesis,
            contract: named.digest,
            run,
            party: nameIn(named, acting),
            at: this.now(),
          },
          acting.party.signer,
        )
      },
      begin: async (named, offered, consents) => {
        const { offer } = offered
        await judge(named, offered)
        const running = of(runDigest(offer))
        if (running.view.state !== 'offered') return running.view
        this.asked.push('begin')
        if (this.beginsNothing) return running.view
        requireConsents(running.view.run, planRun(named.contract, offer.transform), consents, named)
        return (running.view = await this.#compute(running))
      },
      look: async (_named, run) => {
        if (this.misses-- > 0) throw clientError('ROOM_UNAVAILABLE', 'nobody is there')
        return of(run).view
      },
      review: async (named, about, acting) =>
        signPartyDocument(
          'approval',
          {
            format: 'sotto-room-output-approval/1',
            genesis: this.genesis,
            contract: named.digest,
            ...about,
            party: nameIn(named, acting),
            at: this.now(),
          },
          acting.party.signer,
        ),
      approve: async (named, run, approvals) => {
        this.asked.push('approve')
        const running = of(run)
        if (this.keepsWaiting) return running.view
        const said: OutputApproval[] = approvals.map(
          (envelope) => verifyPartyDocument('approval', envelope, named).document,
        )
        const { view } = running
        running.view = said.some(({ verdict }) => verdict === 'refuse')
          ? {
              ...view,
              state: 'failed',
              failure: { code: 'ROOM_ENDED', message: 'an owner does not let it out' },
            }
          : {
              ...view,
              ...SAID,
              state: 'done',
              outputs: await this.#seal(running, (output) => output.receivers),
            }
        return running.view
      },
      cancel: async (_named, run) => {
        const running = of(run)
        return (running.view = { ...running.view, state: 'cancelled' })
      },
      verify: async (_named, { offer }, view) => {
        this.asked.push('verify')
        // The word of the KMS is what a member cannot make up.
        if (view.receipt === undefined) throw clientError('ROOM_OFFER', 'something is missing of this run')
        return {
          receipt: {} as never,
          provenance: {} as never,
          outputs: view.outputs.map((envelope) =>
            verifySealedOutput(envelope, { run: view.run, receiptKey: offer.receiptKey }),
          ),
        }
      },
    }
  }

  async #compute(running: Running): Promise<RunView> {
    const { named, offered, view } = running
    const held = this.held.get(named.digest)!
    held.runs++
    const receipt = this.#receipt(offered.offer, held.runs)
    if (this.failure !== undefined) return { ...view, state: 'failed', receipt, failure: this.failure }
    const { inputs } = planRun(named.contract, offered.offer.transform)
    const reviewers = [...new Set(inputs.filter(({ rules }) => rules.review).map(({ owner }) => owner))]
    if (reviewers.length > 0)
      return { ...view, state: 'waiting', receipt, review: await this.#seal(running, () => reviewers) }
    return {
      ...view,
      ...SAID,
      state: 'done',
      receipt,
      outputs: await this.#seal(running, ({ receivers }) => receivers),
    }
  }

  /** Seals the result for each output, and leaves the files at the board. */
  async #seal(
    { named, offered: { offer }, view: { run } }: Running,
    receiversOf: (output: { receivers: Name[] }) => Name[],
  ): Promise<string[]> {
    const envelopes: string[] = []
    for (const output of planRun(named.contract, offer.transform).outputs) {
      const contentKey = crypto.randomBytes(32)
      const salt = crypto.randomBytes(32)
      const of = {
        genesis: this.genesis,
        contract: named.digest,
        run,
        output: output.name,
        artifact: toHex(crypto.randomBytes(16)),
      }
      const parts = await Array.fromAsync(
        sealArtifact({
          contentKey,
          plaintextBytes: this.result.length,
          metadata: encodeOutputMetadata({
            format: 'sotto-room-output-content/1',
            run,
            output: output.name,
            salt: toBase64Url(salt),
          }),
          id: of.artifact,
          chunkBytes: 65_536,
          salt: crypto.randomBytes(32),
          source: [this.result],
        }).sealed,
      )
      const data = Buffer.concat(parts)
      const sealed = toHex(crypto.sha256(data))
      this.board.files.set(sealed, { bytes: data.length, data })
      const parties = named.contract.parties.filter(({ name }) => receiversOf(output).includes(name))
      envelopes.push(
        signSealedOutput(
          {
            format: 'sotto-room-output/1',
            ...of,
            digest: outputDigest(salt, [this.result]),
            bytes: this.result.length,
            sealed,
            keys: wrapOutputKeys(of, parties, contentKey),
          },
          ROOM,
        ),
      )
    }
    return envelopes
  }

  #receipt(offer: RunOffer, sequence: number): string {
    const receipt: RunReceipt = {
      format: 'sotto-run-receipt/1',
      genesis: this.genesis,
      contract: offer.contract,
      run: runDigest(offer),
      tuple: 'room-a',
      image: this.image,
      evidence: offer.evidence,
      hardware: ['software 1234'],
      charges: offer.inputs.map(({ input }) => ({ input, transform: offer.transform, runs: 1 })),
      sequence,
      issuedAt: this.now(),
    }
    return fromUtf8(signDsse(RUN_TYPES.receipt, encodeDocument(receipt), [KMS]))
  }
}

function nameIn({ contract }: NamedContract, { party }: Acting): Name {
  const own = contract.parties.find(({ key }) => key === party.key)
  if (own === undefined) throw clientError('ROOM_CONTRACT', 'no party of the contract has this key')
  return own.name
}

function refusal(found: string): Error {
  return clientError('ROOM_REFUSED', `it answered: ${found}`, { found })
}
