import { utf8 } from '@sotto/protocol/bytes'
import type { Argument, Contract, SqlParameter, Transform } from '@sotto/protocol/contract'
import { ROOM } from '../../../packages/kms/test/contracts/room-world.ts'
import { sealed, type SealedData } from '../support/sealed-data.ts'
import type { RoomAttack } from './support/attack.ts'
import { CANARIES } from './support/canaries.ts'
import type { RoomScene } from './support/room-scene.ts'

/** Queries that look like one over figures of many, each with the rule that it breaks. */
const QUERIES: readonly (readonly [name: string, sql: string, rule: string])[] = [
  [
    'reads a file of the room by read_text()',
    `SELECT count(*) AS n FROM read_text('/etc/passwd')`,
    'node-list',
  ],
  [
    'reads a file of the room within a condition',
    `SELECT count(*) AS n FROM accounts WHERE customer = (SELECT content FROM read_text('/proc/self/environ'))`,
    'node-list',
  ],
  ['is two statements', 'SELECT count(*) AS n FROM accounts; SELECT * FROM accounts', 'one-select'],
  ['copies a table out', `COPY accounts TO '/tmp/out.csv'`, 'one-select'],
  ['attaches a database', `ATTACH '/tmp/out.db'`, 'one-select'],
  ['changes how the engine is locked', 'PRAGMA enable_external_access = true', 'one-select'],
  [
    'shows who contributed',
    'SELECT customer, count(*) AS n FROM accounts GROUP BY customer',
    'contributor-column',
  ],
  [
    'picks a group of one by what it has most of',
    'SELECT count(*) AS n FROM accounts HAVING max(amount) > 380',
    'aggregate-list',
  ],
  [
    'makes groups of one by a fraction',
    'SELECT count(*) AS n FROM accounts GROUP BY amount / 3.0',
    'group-key',
  ],
  [
    'joins so that one counts as many',
    'SELECT count(*) AS n FROM accounts JOIN purchases ON accounts.amount < purchases.amount',
    'join-condition',
  ],
  [
    'compares the tables of two owners beside their key',
    'SELECT count(*) AS n FROM accounts JOIN purchases ON accounts.customer = purchases.customer WHERE accounts.amount = purchases.amount',
    'compare-owners',
  ],
]

const PARAMETERS: SqlParameter[] = [
  { name: 'region', type: 'text', oneOf: ['north', 'south'] },
  { name: 'least', type: 'integer', min: 0, max: 100 },
  { name: 'day', type: 'date' },
  { name: 'share', type: 'number' },
]
const ARGUMENTS: Argument[] = [
  { name: 'region', value: 'north' },
  { name: 'least', value: '7' },
  { name: 'day', value: '2026-11-29' },
  { name: 'share', value: '0.5' },
]

const named = (at: number): string => `query-${at}`

/** A contract with a transform for each query, one that takes arguments, and an honest one. */
export function queriesContract(contract: Contract): Partial<Contract> {
  const [plain] = contract.transforms
  const task = { kind: 'sql' as const, joinKeys: ['customer'], maxRows: 100 }
  const transforms: Transform[] = [
    ...QUERIES.map(([, sql], at) => ({
      ...plain!,
      name: named(at),
      task: { ...task, templates: [{ name: 'count', sql, parameters: [] }] },
    })),
    {
      ...plain!,
      name: 'chosen',
      task: {
        ...task,
        templates: [
          {
            name: 'count',
            sql: 'SELECT count(*) AS n FROM accounts WHERE amount > $least AND $region = $region AND $day = $day AND $share = $share',
            parameters: PARAMETERS,
          },
        ],
      },
    },
    plain!,
  ]
  const uses = transforms.map(({ name }) => ({ transform: name, runs: 100 }))
  return {
    inputs: contract.inputs.map((input) => ({ ...input, uses })),
    transforms: transforms.map((transform) => ({ ...transform, room: [ROOM.image] })),
    outputs: transforms.map(({ name }) => ({
      name: `of-${name}`,
      from: name,
      receivers: ['shop'],
      maxBytes: 4096,
    })),
  }
}

/** Tables whose every customer is a canary. */
export async function tables(): Promise<Record<string, SealedData>> {
  return {
    accounts: await tableOf('customer,amount', 40),
    purchases: await tableOf('customer,amount', 25),
  }
}

function tableOf(header: string, rows: number): Promise<SealedData> {
  const lines = Array.from({ length: rows }, (_, at) => `${CANARIES.customer}-${at},${at * 10}`)
  return sealed('table', 'csv', utf8(`${[header, ...lines].join('\n')}\n`))
}

/** Asks the KMS for the keys of such a run, as a room does that does not look. */
async function chosen({ lab: { world }, good }: RoomScene, given: Argument[]): Promise<unknown> {
  const inputs = ['accounts', 'purchases'].map((input) => {
    const { id, content } = good[input]!
    return { input, artifact: id, content }
  })
  return world.ok(world.asking(await world.offer({ transform: 'chosen', arguments: given, inputs })))
}

/** The arguments with another value in one place. */
const given = (at: number, value: string): Argument[] =>
  ARGUMENTS.map((argument, index) => (index === at ? { ...argument, value } : argument))

/** Values that the parties did not approve, by what is wrong with them. */
const ARGUMENT_ATTACKS: readonly (readonly [name: string, values: Argument[]])[] = [
  ['SQL in a text argument', given(0, `north' OR 1=1 --`)],
  ['SQL in a whole number', given(1, '7 OR 1=1')],
  ['a whole number beyond its bounds', given(1, '101')],
  ['a whole number as a fraction', given(1, '7.0')],
  ['a whole number in hexadecimal', given(1, '0x7')],
  ['a date that is no day', given(2, '2026-02-30')],
  ['a date with SQL behind it', given(2, `2026-11-29'; DROP TABLE accounts`)],
  ['a number that is none', given(3, 'NaN')],
  ['a number without bounds', given(3, '1e308')],
  ['one argument more', [...ARGUMENTS, { name: 'sql', value: 'SELECT 1' }]],
  ['one argument less', ARGUMENTS.slice(1)],
  ['arguments in another order', ARGUMENTS.toReversed()],
]

/** Queries and their arguments that would show more than figures of many; refused before anybody consents. */
export const QUERY_ATTACKS: readonly RoomAttack[] = [
  ...QUERIES.map(([name, , rule], at) => ({
    name: `a query that ${name}`,
    does: (scene: RoomScene) => scene.offer({ transform: named(at), template: 'count' }),
    refusedWith: `ROOM_SQL_REFUSED ${rule}`,
    seenBy: 'room' as const,
  })),
  ...ARGUMENT_ATTACKS.map(([name, values]) => ({
    name: `an argument: ${name}`,
    does: (scene: RoomScene) => chosen(scene, values),
    refusedWith: 'CONTRACT_RUN',
    seenBy: 'kms' as const,
  })),
  {
    name: 'an argument: SQL in a text argument, at the room',
    does: (scene) =>
      scene.offer({ transform: 'chosen', template: 'count', arguments: given(0, `north' OR 1=1 --`) }),
    refusedWith: 'CONTRACT_RUN',
    seenBy: 'room',
  },
  {
    name: 'a template that the parties did not approve',
    does: (scene) => scene.offer({ transform: 'overlap', template: 'everything' }),
    refusedWith: 'CONTRACT_RUN',
    seenBy: 'room',
  },
  {
    name: 'a table with other columns than the contract states',
    async does(scene) {
      await scene.add('accounts', await tableOf('customer,salary', 40))
      return scene.run({ transform: 'overlap', template: 'count' })
    },
    refusedWith: 'ROOM_SQL_INPUT',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'a table whose values are of another type',
    async does(scene) {
      const csv = `customer,amount\n${`${CANARIES.customer},${CANARIES.customer}\n`.repeat(40)}`
      await scene.add('accounts', await sealed('table', 'csv', utf8(csv)))
      return scene.run({ transform: 'overlap', template: 'count' })
    },
    refusedWith: 'ROOM_SQL_INPUT',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'a table that says to be Parquet',
    async does(scene) {
      await scene.add('accounts', await sealed('table', 'parquet', utf8('PAR1 and nothing else PAR1')))
      return scene.run({ transform: 'overlap', template: 'count' })
    },
    refusedWith: 'ROOM_SQL_INPUT',
    seenBy: 'run',
    spends: 1,
  },
]
