import type { SqlPolicy } from '../../../src/room/sql/index.ts'
import type { TestTable } from './engine.ts'

/** Lines of CSV under a header. */
export function csv(header: string, rows: readonly (readonly (string | number | null)[])[]): string {
  return [header, ...rows.map((row) => row.map((value) => value ?? '').join(','))].join('\n') + '\n'
}

/** 30 customers with 3 purchases each: 18 in the north, 11 in the south, and one who is alone in the west. */
const customers = Array.from({ length: 30 }, (_, at) => at)
const regionOf = (customer: number): string => (customer < 18 ? 'north' : customer < 29 ? 'south' : 'west')

export const SHOP: TestTable = {
  name: 'shop',
  owner: 'retailer',
  contributor: 'customer',
  columns: [
    { name: 'customer', type: 'integer' },
    { name: 'email', type: 'text' },
    { name: 'phone', type: 'text' },
    { name: 'region', type: 'text' },
    { name: 'amount', type: 'number' },
    { name: 'items', type: 'integer' },
    { name: 'day', type: 'date' },
    { name: 'vip', type: 'boolean' },
    { name: 'name', type: 'text' },
  ],
  data: csv(
    'customer,email,phone,region,amount,items,day,vip,name',
    customers.flatMap((one) =>
      [0, 1, 2].map((purchase) => [
        one,
        `e${one}@x.example`,
        `+${one}`,
        regionOf(one),
        one === 29 ? 999_999.5 : one + purchase / 4,
        one + purchase,
        `2026-0${purchase + 1}-15`,
        one === 0 ? 'true' : 'false',
        `secret-${one}`,
      ]),
    ),
  ),
}

/** One row for each of 30 clients, of whom 20 are customers of the shop. */
export const BANK: TestTable = {
  name: 'bank',
  owner: 'bank',
  contributor: 'client',
  columns: [
    { name: 'client', type: 'integer' },
    { name: 'email', type: 'text' },
    { name: 'segment', type: 'text' },
    { name: 'balance', type: 'integer' },
    { name: 'name', type: 'text' },
  ],
  data: csv(
    'client,email,segment,balance,name',
    customers.map((one) => [
      1000 + one,
      `e${one + 10}@x.example`,
      one % 2 === 0 ? 'gold' : 'plain',
      one * 100,
      `secret-${one + 10}`,
    ]),
  ),
}

/** What holds for both, of groups of at least five people. */
export const RULES: SqlPolicy & { tables: readonly TestTable[] } = {
  tables: [SHOP, BANK],
  forbidden: ['Name'],
  joinKeys: ['email'],
  minContributors: 5,
}
