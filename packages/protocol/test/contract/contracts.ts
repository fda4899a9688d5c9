import { toBase64Url } from '@sotto/protocol/bytes'
import {
  type Contract,
  type DataStatement,
  encodeContract,
  type Input,
  type InferTask,
  type NamedContract,
  type Output,
  parseContract,
  type Party,
  planRun,
  type Rules,
  type RunConsent,
  runDigest,
  type RunOffer,
  type SqlTask,
  type Task,
  type Transform,
  type Use,
  type WasmTask,
} from '@sotto/protocol/contract'
import { publicCrypto } from '@sotto/protocol/crypto-backend'
import type { DsseSigner } from '@sotto/protocol/dsse'

export const GENESIS: string = 'ab'.repeat(32)
export const ROOM: string = 'cd'.repeat(32)
export const NOW = 1_800_000_000
export const LATER: number = NOW + 30 * 86_400

export const bytes = (length: number, fill = 1): string => toBase64Url(new Uint8Array(length).fill(fill))

/** A key of a party from a fixed seed. */
export function signer(seed: number): DsseSigner {
  const secretSeed = new Uint8Array(32).fill(seed)
  return { secretSeed, publicKey: publicCrypto.ed25519.importPrivate(secretSeed).publicKey }
}

export function party(name: string, seed: number): Party {
  return { name, key: toBase64Url(signer(seed).publicKey), sealTo: bytes(1216, seed) }
}

export function rules(receivers: string[], change: Partial<Rules> = {}): Rules {
  return {
    receivers: [...receivers],
    forbidden: [],
    minContributors: 1,
    noisy: false,
    review: false,
    ...change,
  }
}

export function uses(...transforms: string[]): Use[] {
  return transforms.map((transform) => ({ transform, runs: 100 }))
}

export function sql(change: Partial<SqlTask> = {}): SqlTask {
  const query = 'SELECT segment, count(*) AS people FROM customers GROUP BY segment'
  return {
    kind: 'sql',
    templates: [{ name: 'segments', sql: query, parameters: [] }],
    joinKeys: [],
    maxRows: 1000,
    ...change,
  }
}

export const NOISE: SqlTask['noise'] & object = {
  epsilonMicros: 500_000,
  maxRowsPerContributor: 4,
  clip: { min: 0, max: 10_000 },
}

export function infer(change: Partial<InferTask> = {}): InferTask {
  return {
    kind: 'infer',
    action: 'summarise',
    model: 't5',
    digest: '11'.repeat(32),
    settings: {},
    ...change,
  }
}

export function wasm(module: string): WasmTask {
  const limits = { memoryBytes: 2 ** 26, seconds: 60, fuelMillions: 1000 }
  return { kind: 'wasm', module, args: [], limits }
}

export function transform(name: string, reads: string[], task: Task, room: string[] = [ROOM]): Transform {
  return { name, reads, room, task }
}

export function output(name: string, from: string, receivers: string[]): Output {
  return { name, from, receivers: [...receivers], maxBytes: 2 ** 20 }
}

function contract(
  content: Pick<Contract, 'title' | 'parties' | 'inputs' | 'transforms' | 'outputs'>,
): Contract {
  return {
    format: 'sotto-contract/1',
    genesis: GENESIS,
    salt: bytes(32, 9),
    consent: { logging: true, telemetry: false },
    notBefore: NOW,
    notAfter: LATER,
    ...content,
  }
}

export const BANK: DsseSigner = signer(1)
export const RETAILER: DsseSigner = signer(2)
const both = ['bank', 'retailer']

/** A bank and a retailer: which offers meet which customers, counted and, with noise, summed. */
export function bankAndRetailer(): Contract {
  const shared = { forbidden: ['IBAN'], minContributors: 20, contributor: 'customer_id' }
  const offers = {
    name: 'by-region',
    sql: 'SELECT segment, count(*) AS people\nFROM customers JOIN purchases USING (customer_id)\nWHERE region = $region AND age >= $age GROUP BY segment',
    parameters: [
      { name: 'region', type: 'text' as const, oneOf: ['north', 'south'] },
      { name: 'age', type: 'integer' as const, min: 18, max: 99 },
    ],
  }
  return contract({
    title: 'Offers for shared customers',
    parties: [party('bank', 1), party('retailer', 2)],
    inputs: [
      {
        name: 'customers',
        owner: 'bank',
        kind: 'table',
        columns: [
          { name: 'customer_id', type: 'text' },
          { name: 'iban', type: 'text' },
          { name: 'age', type: 'integer' },
          { name: 'segment', type: 'text' },
        ],
        content: '22'.repeat(32),
        uses: [...uses('offers'), { transform: 'spending', runs: 100, epsilonMicros: 2_000_000 }],
        rules: rules(both, { ...shared, noisy: false }),
      },
      {
        name: 'purchases',
        owner: 'retailer',
        kind: 'table',
        columns: [
          { name: 'customer_id', type: 'text' },
          { name: 'region', type: 'text' },
          { name: 'amount', type: 'integer' },
        ],
        uses: uses('offers', 'spending'),
        rules: rules(both, { minContributors: 50, contributor: 'Customer_ID', review: true }),
      },
    ],
    transforms: [
      transform(
        'offers',
        ['customers', 'purchases'],
        sql({ templates: [offers], joinKeys: ['customer_id'] }),
      ),
      transform('spending', ['customers', 'purchases'], sql({ joinKeys: ['customer_id'], noise: NOISE })),
    ],
    outputs: [output('met-offers', 'offers', both), output('spent', 'spending', ['bank'])],
  })
}

export const ARCHIVE: DsseSigner = signer(3)
export const READER: DsseSigner = signer(4)
export const MODELLER: DsseSigner = signer(5)

/** An archive's letters, summarised for a reader by the model of a third party. */
export function summaries(): Contract {
  return contract({
    title: 'Summaries of letters',
    parties: [party('archive', 3), party('reader', 4), party('modeller', 5)],
    inputs: [
      {
        name: 'letters',
        owner: 'archive',
        kind: 'text',
        uses: uses('summarise'),
        rules: rules(['reader'], { maxCommonWords: 8, review: true }),
      },
      {
        name: 't5',
        owner: 'modeller',
        kind: 'model',
        content: '33'.repeat(32),
        uses: uses('summarise'),
        rules: rules(['reader', 'archive']),
      },
    ],
    transforms: [transform('summarise', ['letters', 't5'], infer({ prompt: 'summarize: ' }))],
    outputs: [output('summaries', 'summarise', ['reader'])],
  })
}

/** One contract with every kind of input and task, and every member that anything can have. */
export function everything(): Contract {
  const everybody = ['a', 'b']
  const item = (name: string, kind: Input['kind'], to: string[], change: Partial<Rules> = {}): Input => ({
    name,
    owner: 'a',
    kind,
    content: '44'.repeat(32),
    uses: uses(...to),
    rules: rules(everybody, change),
  })
  const table: Input = {
    ...item('people', 'table', ['counts', 'shown', 'packed'], {
      forbidden: ['name'],
      minContributors: 5,
      contributor: 'id',
      noisy: true,
    }),
    columns: [
      { name: 'id', type: 'integer' },
      { name: 'name', type: 'text' },
    ],
  }
  table.uses[0]!.epsilonMicros = 1_000_000
  const parameters: SqlTask['templates'][number]['parameters'] = [
    { name: 'size', type: 'integer', min: 3, max: 9 },
    { name: 'word', type: 'text', oneOf: ['x', 'y'] },
    { name: 'share', type: 'number' },
    { name: 'day', type: 'date' },
    { name: 'all', type: 'boolean' },
  ]
  const query = (given: typeof parameters): SqlTask =>
    sql({
      templates: [{ name: 'one', sql: 'SELECT 1', parameters: given }],
      joinKeys: ['id'],
      noise: NOISE,
    })
  const limits = { memoryBytes: 2 ** 20, seconds: 1 }
  return contract({
    title: 'Everything',
    parties: [party('a', 1), party('b', 2)],
    inputs: [
      table,
      item('notes', 'text', ['labelled', 'shown', 'packed'], { maxCommonWords: 5 }),
      item('net', 'model', ['labelled', 'shown', 'packed']),
      item('module', 'code', ['shown', 'packed']),
      item('layers', 'code', ['packed']),
    ],
    transforms: [
      transform('counts', ['people'], query([])),
      transform(
        'labelled',
        ['notes', 'net'],
        infer({
          action: 'classify',
          model: 'net',
          prompt: 'Which?\n',
          labels: ['good', 'bad'],
          settings: { maxTokens: 4, minTokens: 1, beams: 2, noRepeatNgram: 3 },
        }),
      ),
      transform('shown', ['counts', 'labelled', 'module'], {
        ...wasm('module'),
        args: ['--all'],
        limits: { ...limits, fuelMillions: 1 },
      }),
      transform('packed', ['shown', 'layers'], {
        kind: 'container',
        image: 'layers',
        manifest: '55'.repeat(32),
        command: ['/bin/pack'],
        env: { LEVEL: '9', EMPTY: '' },
        limits,
      }),
    ],
    outputs: [output('pack', 'packed', everybody)],
  })
}

/** A contract with its name, read as anybody reads it. */
export function named(one: Contract): NamedContract {
  return parseContract(encodeContract(one))
}

/** What a contract contradicts itself in; undefined where it is good. */
export function contradictionOf(one: Contract): string | undefined {
  try {
    named(one)
    return undefined
  } catch (error) {
    return (error as { found?: string }).found
  }
}

/** A deep copy with something done to it. */
export function changedBy<T>(one: T, change: (copy: T) => void): T {
  const copy = structuredClone(one)
  change(copy)
  return copy
}

/** The bank's customers, first prepared by one transform and then put out by another. */
export function prepared(first: Transform, change: (one: Contract) => void = () => {}): Contract {
  return changedBy(bankAndRetailer(), (one) => {
    one.transforms = [first, transform('shown', [first.name], sql())]
    one.inputs[0]!.uses = uses(first.name, 'shown')
    one.inputs[1]!.uses = uses(first.name, 'shown')
    one.outputs = [output('shown', 'shown', ['bank'])]
    change(one)
  })
}

/** An offer of one run that the contract allows, but for its arguments. */
export function offerOf(
  { contract: whole, digest }: NamedContract,
  transformName: string,
  change: Partial<RunOffer> = {},
): RunOffer {
  const plan = planRun(whole, transformName)
  return {
    format: 'sotto-room-run/1',
    genesis: GENESIS,
    contract: digest,
    transform: transformName,
    arguments: [],
    inputs: plan.inputs.map(({ name, content }, at) => ({
      input: name,
      artifact: `${at}`.padStart(32, '0'),
      content: content ?? '66'.repeat(32),
    })),
    wrapKey: bytes(1216, 7),
    receiptKey: bytes(32, 8),
    evidence: '77'.repeat(32),
    nonce: '88'.repeat(16),
    at: NOW + 5,
    notAfter: NOW + 600,
    ...change,
  }
}

export function consentTo(offer: RunOffer, by: string, change: Partial<RunConsent> = {}): RunConsent {
  return {
    format: 'sotto-room-run-consent/1',
    genesis: GENESIS,
    contract: offer.contract,
    run: runDigest(offer),
    party: by,
    at: NOW + 10,
    ...change,
  }
}

export function dataOf(
  { digest }: NamedContract,
  input: string,
  change: Partial<DataStatement> = {},
): DataStatement {
  return {
    format: 'sotto-contract-data/1',
    genesis: GENESIS,
    contract: digest,
    input,
    artifact: '0a'.repeat(16),
    sealed: '99'.repeat(32),
    bytes: 4096,
    content: '22'.repeat(32),
    version: 1,
    at: NOW + 1,
    ...change,
  }
}
