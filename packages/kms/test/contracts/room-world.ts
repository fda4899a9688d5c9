import { fromUtf8, toBase64Url, toHex, utf8 } from '@sotto/protocol/bytes'
import {
  type Contract,
  type ContractCall,
  type ContractView,
  encodeContract,
  parseContract,
  type PartyDocuments,
  type RunAnswer,
  runDigest,
  runInfo,
  type RunKeys,
  type RunOffer,
  RUN_TYPES,
  type RunResult,
  signPartyDocument,
} from '@sotto/protocol/contract'
import { crypto } from '@sotto/protocol/crypto-backend'
import { signDsse } from '@sotto/protocol/dsse'
import {
  encodeDocument,
  evidenceDigest,
  type ReleaseRequest,
  unwrapSecret,
  WRAP_SUITE,
} from '@sotto/protocol/keyrelease'
import { sealCall } from '@sotto/protocol/sealed-call'
import { type Draft, Enclave, seed, signer, type Voter, type Workload, World } from '../world.ts'

export const BANK: Voter = signer(60)
export const SHOP: Voter = signer(61)
const SIGNERS: Readonly<Record<string, Voter>> = { bank: BANK, shop: SHOP }

export const ROOM: Workload = { image: 'e5'.repeat(32), hostData: 'f6'.repeat(32), chip: 2 }
export const OTHER_ROOM: Workload = { image: 'e6'.repeat(32), hostData: 'f7'.repeat(32), chip: 3 }
/** Content keys, by artifact. */
export const ARTIFACTS = {
  accounts: { id: 'a0'.repeat(16), key: seed(70), content: '70'.repeat(32) },
  purchases: { id: 'b0'.repeat(16), key: seed(71), content: '71'.repeat(32) },
}
type InputName = keyof typeof ARTIFACTS

const sealTo = (): string => toBase64Url(WRAP_SUITE.kem.generate().publicKey)
const SEAL_TO = { bank: sealTo(), shop: sealTo() }
const columns = [
  { name: 'customer', type: 'text' },
  { name: 'amount', type: 'integer' },
] as const

/** A contract of a bank and a shop: one approved query over a table of each, three times at most. */
export function contractOf(genesis: string, now: number, change: Partial<Contract> = {}): Contract {
  const rules = {
    receivers: ['bank', 'shop'],
    forbidden: [],
    minContributors: 10,
    contributor: 'customer',
    noisy: false,
    review: false,
  }
  return {
    format: 'sotto-contract/1',
    genesis,
    title: 'offers',
    salt: toBase64Url(seed(5)),
    parties: [
      { name: 'bank', key: toBase64Url(BANK.publicKey), sealTo: SEAL_TO.bank },
      { name: 'shop', key: toBase64Url(SHOP.publicKey), sealTo: SEAL_TO.shop },
    ],
    inputs: [
      {
        name: 'accounts',
        owner: 'bank',
        kind: 'table',
        columns: [...columns],
        uses: [{ transform: 'overlap', runs: 3 }],
        rules,
      },
      {
        name: 'purchases',
        owner: 'shop',
        kind: 'table',
        columns: [...columns],
        uses: [{ transform: 'overlap', runs: 3 }],
        rules,
      },
    ],
    transforms: [
      {
        name: 'overlap',
        reads: ['accounts', 'purchases'],
        room: [ROOM.image],
        task: {
          kind: 'sql',
          templates: [{ name: 'count', sql: 'SELECT count(*) AS n FROM accounts', parameters: [] }],
          joinKeys: ['customer'],
          maxRows: 100,
        },
      },
    ],
    outputs: [{ name: 'offers', from: 'overlap', receivers: ['shop'], maxBytes: 4096 }],
    consent: { logging: true, telemetry: true },
    notBefore: now - 10,
    notAfter: now + 86_400,
    ...change,
  }
}

/** A room on its way through one run. */
export interface Run {
  enclave: Enclave
  offer: RunOffer
  request: ReleaseRequest
  id: string
}

/** A KMS whose members admit a room and two owners. */
export class RoomWorld extends World {
  contract!: Contract
  digest = ''
  text = ''

  static async open(change: Partial<Contract> = {}): Promise<RoomWorld> {
    const world = new RoomWorld()
    await world.start()
    await world.acceptPolicy(world.roomProposal())
    await world.admitOwners([world.owner(BANK), world.owner(SHOP)])
    world.use(contractOf(world.genesis, world.now, change))
    return world
  }

  /** A policy that admits the workload of this world to request keys, and two programs to runs. */
  roomProposal(): Draft {
    const rooms = [ROOM, OTHER_ROOM]
    const tuples = rooms.map((room) => this.tuple(room, { role: 'room' }))
    const releases = [
      this.logRelease(this.workload),
      ...rooms.map((room) => this.logRelease(room, { role: 'room' })),
    ]
    const policy = this.policy({ anyOf: [this.tuple(), ...tuples] })
    return this.proposal(policy, this.members.slice(0, 2), releases)
  }

  use(contract: Contract): void {
    this.contract = contract
    this.text = fromUtf8(encodeContract(contract))
    this.digest = parseContract(utf8(this.text)).digest
  }

  /** Seals a call, sends it, and opens the answer. */
  async ask<T>(call: ContractCall | object): Promise<T & { error?: { code: string; message: string } }> {
    const sealed = sealCall(this.kms.view.boot.own.binding.importKey, utf8(JSON.stringify(call)))
    const request = new Request('http://kms.test/v1/contracts', {
      method: 'POST',
      body: sealed.bytes as Uint8Array<ArrayBuffer>,
    })
    const response = await this.app(request)
    const answer = new Uint8Array(await response.arrayBuffer())
    if (response.status !== 200)
      return JSON.parse(fromUtf8(answer)) as T & { error: { code: string; message: string } }
    return JSON.parse(fromUtf8(sealed.open(answer))) as T & { error?: { code: string; message: string } }
  }

  /** Code of the refusal of a call; `none` where it is answered. */
  async code(call: ContractCall | object): Promise<string> {
    return (await this.ask<object>(call)).error?.code ?? 'none'
  }

  signed<Kind extends keyof PartyDocuments>(
    kind: Kind,
    by: string,
    change: Partial<PartyDocuments[Kind]> = {},
    signedBy: Voter = SIGNERS[by]!,
  ): string {
    const common = { genesis: this.genesis, contract: this.digest, party: by, at: this.now }
    const format = {
      acceptance: 'sotto-contract-acceptance/1',
      withdrawal: 'sotto-contract-withdrawal/1',
      closing: 'sotto-contract-closing/1',
      data: 'sotto-contract-data/1',
      consent: 'sotto-room-run-consent/1',
      approval: 'sotto-room-output-approval/1',
      inquiry: 'sotto-contract-inquiry/1',
    }[kind]
    const document = { format, ...common, ...change } as PartyDocuments[Kind] & { party?: string }
    if (kind === 'data') delete document.party
    return signPartyDocument(kind, document, signedBy)
  }

  accept(by: string, change: object = {}): ContractCall {
    return { call: 'accept', contract: this.text, acceptance: this.signed('acceptance', by, change) }
  }

  withdraw(by: string, consent: 'execution' | 'logging' | 'telemetry' = 'execution'): ContractCall {
    const envelope = this.signed('withdrawal', by, { consent })
    return { call: 'sign', contract: this.digest, kind: 'withdrawal', envelope }
  }

  close(by: string): ContractCall {
    return { call: 'sign', contract: this.digest, kind: 'closing', envelope: this.signed('closing', by) }
  }

  show(by: string, change: object = {}): Promise<ContractView & { error?: { code: string } }> {
    return this.ask<ContractView>({
      call: 'show',
      contract: this.digest,
      inquiry: this.signed('inquiry', by, change),
    })
  }

  /** An owner gives the key of its input, under the contract. */
  async giveKey(input: InputName, under: string | null = this.digest): Promise<void> {
    const { id, key } = ARTIFACTS[input]
    const owner = SIGNERS[input === 'accounts' ? 'bank' : 'shop']!
    const change = under === null ? {} : { contract: under }
    await this.kms.importArtifact(id, this.artifactImport(id, key, change, owner))
  }

  data(input: InputName, change: Partial<PartyDocuments['data']> = {}): ContractCall {
    const { id, content } = ARTIFACTS[input]
    const by = input === 'accounts' ? 'bank' : 'shop'
    const envelope = this.signed('data', by, {
      input,
      artifact: id,
      sealed: '99'.repeat(32),
      bytes: 1000,
      content,
      version: 1,
      ...change,
    })
    return { call: 'sign', contract: this.digest, kind: 'data', envelope }
  }

  /** Everybody has accepted, and stated what the inputs are. */
  async prepared(): Promise<void> {
    for (const party of ['bank', 'shop']) await this.ok(this.accept(party))
    for (const input of ['accounts', 'purchases'] as const) {
      await this.giveKey(input)
      await this.ok(this.data(input))
    }
  }

  /** @throws Error with the refusal */
  async ok<T>(call: ContractCall | object): Promise<T> {
    const answer = await this.ask<T>(call)
    if (answer.error !== undefined)
      throw Object.assign(new Error(`${answer.error.code}: ${answer.error.message}`), answer.error)
    return answer
  }

  /** A room offers a run. */
  async offer(change: Partial<RunOffer> = {}, workload: Workload = ROOM): Promise<Run> {
    const enclave = new Enclave(workload)
    const request = await enclave.request(this)
    const offer: RunOffer = {
      format: 'sotto-room-run/1',
      genesis: this.genesis,
      contract: this.digest,
      transform: 'overlap',
      template: 'count',
      arguments: [],
      inputs: (['accounts', 'purchases'] as const).map((input) => ({
        input,
        artifact: ARTIFACTS[input].id,
        content: ARTIFACTS[input].content,
      })),
      wrapKey: request.binding.wrapKey,
      receiptKey: request.binding.receiptKey,
      evidence: evidenceDigest(request.evidence),
      nonce: toHex(crypto.randomBytes(16)),
      at: this.now,
      notAfter: this.now + 3600,
      ...change,
    }
    return { enclave, offer, request, id: runDigest(offer) }
  }

  asking({ offer, request, id }: Run, by: readonly string[] = ['bank', 'shop']): ContractCall {
    return {
      call: 'run',
      offer,
      request,
      consents: by.map((party) => this.signed('consent', party, { run: id })),
    }
  }

  /** What a room gets of a run. @throws Error with the refusal */
  async run(run: Run): Promise<{ keys: RunKeys; receipt: string }> {
    const answer = await this.ok<RunAnswer>(this.asking(run))
    const opened = unwrapSecret(run.enclave.wrapKey, runInfo(run.offer, run.id), answer)
    return { keys: JSON.parse(fromUtf8(opened)) as RunKeys, receipt: answer.receipt }
  }

  result({ enclave, id }: Run, change: Partial<RunResult> = {}, signedBy = enclave.receiptKey): ContractCall {
    const document: RunResult = {
      format: 'sotto-run-result/1',
      genesis: this.genesis,
      contract: this.digest,
      run: id,
      outputs: [{ output: 'offers', digest: 'dd'.repeat(32), bytes: 100 }],
      at: this.now,
      ...change,
    }
    const { seed: secretSeed, publicKey } = signedBy
    const result = fromUtf8(signDsse(RUN_TYPES.result, encodeDocument(document), [{ secretSeed, publicKey }]))
    return { call: 'release', contract: this.digest, run: id, result, approvals: [] }
  }
}
