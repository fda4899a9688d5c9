import { utf8 } from '@sotto/protocol/bytes'
import type { Contract } from '@sotto/protocol/contract'
import { roomParty } from '@sotto/client/rooms'
import { seed, signer, type Voter } from '../../packages/kms/test/world.ts'
import { RoomLab } from '../../test/rooms/support/room-lab.ts'
import { sealed, type SealedData } from '../../test/rooms/support/sealed-data.ts'
import type { RoomTools } from './room-engine.ts'

/** Runs of one contract here at most. */
const RUNS = 10_000
/** Contributors that every group has at least. */
export const LEAST = 10
const COLUMNS = [
  { name: 'customer', type: 'text' },
  { name: 'amount', type: 'integer' },
] as const

/** A party with its one small table. */
export interface BenchParty {
  readonly name: string
  readonly signer: Voter
  readonly table: string
  readonly csv: Uint8Array
}

/** A room and a KMS in one process, and parties with one table each. */
export interface PartiesLab {
  lab: RoomLab
  parties: readonly BenchParty[]
  sql: string
}

/** Opens it, with everything done that comes before the first run: every party accepted, and brought its table. */
export async function openPartiesLab(count: number, rows: number, { tools }: RoomTools): Promise<PartiesLab> {
  const parties = Array.from({ length: count }, (_, at): BenchParty => {
    const lines = Array.from({ length: rows }, (__, row) => `c${at}x${row},${row % 100}\n`)
    return {
      name: ['bank', 'shop'][at] ?? `party${at + 1}`,
      signer: signer(60 + at),
      table: `table${at + 1}`,
      csv: utf8(`customer,amount\n${lines.join('')}`),
    }
  })
  const branches = parties.map(({ table }) => `SELECT amount FROM ${table}`)
  const sql = `SELECT count(*) AS n, sum(amount) AS total FROM (${branches.join(' UNION ALL ')})`
  const lab = await RoomLab.open((plain) => contractBetween(plain, parties, sql), tools)
  const { world } = lab
  await world.admitOwners(parties.map((party) => world.owner(party.signer)))
  for (const party of parties) {
    const acceptance = world.signed('acceptance', party.name, {}, party.signer)
    await world.ok({ call: 'accept', contract: world.text, acceptance })
  }
  for (const party of parties) await bring(lab, party, await sealed('table', 'csv', party.csv))
  return { lab, parties, sql }
}

function contractBetween(plain: Contract, parties: readonly BenchParty[], sql: string): Partial<Contract> {
  const names = parties.map(({ name }) => name)
  const [input] = plain.inputs as [Contract['inputs'][number]]
  const [transform] = plain.transforms as [Contract['transforms'][number]]
  return {
    parties: parties.map(({ name }, at) => roomParty(seed(60 + at)).as(name)),
    inputs: parties.map(({ name, table }) => ({
      ...input,
      name: table,
      owner: name,
      columns: [...COLUMNS],
      uses: [{ transform: transform.name, runs: RUNS }],
      rules: { ...input.rules, receivers: names, minContributors: LEAST },
    })),
    transforms: [
      {
        ...transform,
        reads: parties.map(({ table }) => table),
        task: {
          kind: 'sql',
          templates: [{ name: 'count', sql, parameters: [] }],
          joinKeys: ['customer'],
          maxRows: 100,
        },
      },
    ],
    outputs: plain.outputs.map((output) => ({ ...output, receivers: names })),
  }
}

/** An owner puts its sealed file on the board, its key into the KMS, and says so. */
async function bring(
  { world, board, envelopes }: RoomLab,
  party: BenchParty,
  data: SealedData,
): Promise<void> {
  board.files.set(data.digest, data.file)
  const under = { contract: world.digest }
  await world.kms.importArtifact(data.id, world.artifactImport(data.id, data.contentKey, under, party.signer))
  const stated = {
    input: party.table,
    artifact: data.id,
    sealed: data.digest,
    bytes: data.file.length,
    content: data.content,
    version: 1,
  }
  const envelope = world.signed('data', party.name, stated, party.signer)
  await world.ok({ call: 'sign', contract: world.digest, kind: 'data', envelope })
  envelopes.set(party.table, envelope)
}
