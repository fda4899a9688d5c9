import { type Contract, encodeContract, type NamedContract, parseContract } from '@sotto/protocol/contract'
import { type RoomParty, roomParty } from '@sotto/client/rooms'
import { contractOf } from '../../packages/kms/test/contracts/room-world.ts'
import { seed } from '../../packages/kms/test/world.ts'
import type { BenchTable } from './tables.ts'

/** Owners of the tables here. */
export const OWNERS: Readonly<Record<string, RoomParty>> = {
  bank: roomParty(seed(60)),
  shop: roomParty(seed(61)),
}

/** A contract that has these tables as its inputs. */
export function contractOver(tables: readonly BenchTable[], now = 1_800_000_000): NamedContract {
  const plain = contractOf('00'.repeat(32), now)
  const [transform] = plain.transforms as [Contract['transforms'][number]]
  const contract: Contract = {
    ...plain,
    parties: Object.entries(OWNERS).map(([name, party]) => party.as(name)),
    inputs: tables.map(({ name, owner, contributor, columns }) => ({
      ...plain.inputs[0]!,
      name,
      owner,
      columns: [...columns],
      rules: { ...plain.inputs[0]!.rules, contributor },
    })),
    transforms: [
      {
        ...transform,
        reads: tables.map(({ name }) => name),
        task: {
          kind: 'sql',
          templates: [{ name: 'count', sql: `SELECT count(*) AS n FROM ${tables[0]!.name}`, parameters: [] }],
          joinKeys: [tables[0]!.contributor],
          maxRows: 100,
        },
      },
    ],
  }
  return parseContract(encodeContract(contract))
}
