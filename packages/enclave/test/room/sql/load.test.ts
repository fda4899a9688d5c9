import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { NO_DUCKDB, openEngine, query, type TestTable } from './engine.ts'

const COLUMNS = [
  { name: 'id', type: 'integer' },
  { name: 'share', type: 'number' },
  { name: 'city', type: 'text' },
  { name: 'day', type: 'date' },
  { name: 'at', type: 'timestamp' },
  { name: 'ok', type: 'boolean' },
] as const

function table(data: string | Uint8Array, format: TestTable['format'] = 'csv'): TestTable {
  return { name: 'things', owner: 'a', columns: COLUMNS, data, ...(format && { format }) }
}

const HEADER = 'id,share,city,day,at,ok\n'
const ROWS = [
  [1, 0.5, 'Bern, "old" town', '2026-11-29', '2026-11-29T12:30:00', true],
  [-9007199254740993n, null, '', '2026-01-01', '2026-01-01T00:00:00', null],
]
const EXPECTED = [
  [-9007199254740993n, null, '', '2026-01-01', '2026-01-01T00:00:00', null],
  [1, 0.5, 'Bern, "old" town', '2026-11-29', '2026-11-29T12:30:00', true],
]
const CSV = `${HEADER}1,0.5,"Bern, ""old"" town",2026-11-29,2026-11-29 12:30:00,true
-9007199254740993,,"",2026-01-01,2026-01-01 00:00:00,\n`
const LINE = '{"id":1,"share":0.5,"city":"Bern","day":"2026-11-29","at":"2026-11-29 12:30:00","ok":true}'

function ask(one: TestTable, sql = 'SELECT * FROM things ORDER BY id'): ReturnType<typeof query> {
  return query({ tables: [one], sql })
}

/** Parquet of a query, made by DuckDB. */
async function parquet(sql: string): Promise<Uint8Array> {
  const duckdb = createRequire(join(openEngine().part, 'package.json'))('@duckdb/node-api') as {
    DuckDBInstance: {
      create(path: string): Promise<{ connect(): Promise<{ run(sql: string): Promise<unknown> }> }>
    }
  }
  const folder = mkdtempSync('/dev/shm/sotto-test-')
  try {
    const connection = await (await duckdb.DuckDBInstance.create(':memory:')).connect()
    await connection.run(`COPY (${sql}) TO '${folder}/x.parquet' (FORMAT parquet)`)
    return readFileSync(`${folder}/x.parquet`)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const SELECT = `SELECT id::BIGINT AS id, share::DOUBLE AS share, city, day::DATE AS day, "at"::TIMESTAMP AS "at", ok::BOOLEAN AS ok
  FROM (VALUES (1, 0.5, 'Bern, "old" town', '2026-11-29', '2026-11-29 12:30:00', true),
    (-9007199254740993, NULL, '', '2026-01-01', '2026-01-01 00:00:00', NULL)) t(id, share, city, day, "at", ok)`

describe.skipIf(NO_DUCKDB)('a table', () => {
  it('is read from CSV', async () => {
    expect(await ask(table(CSV))).toEqual(EXPECTED)
  })

  it('is read from lines of JSON', async () => {
    const lines = ROWS.map((row) => {
      const members = COLUMNS.map(({ name }, at) => {
        const value = row[at]
        return `"${name}":${typeof value === 'bigint' ? value : JSON.stringify(value)}`
      })
      return `{${members.join(',')}}\n`
    })
    expect(await ask(table(lines.join(''), 'jsonl'))).toEqual(EXPECTED)
  })

  it('is read from Parquet', async () => {
    expect(await ask(table(await parquet(SELECT), 'parquet'))).toEqual(EXPECTED)
  })

  it.each([
    ['another name', CSV.replace('city', 'town')],
    ['another order', CSV.replace('id,share', 'share,id')],
    ['a column more', CSV.replaceAll('\n', ',x\n')],
    ['no header', CSV.slice(HEADER.length)],
    ['a mark of byte order', `\uFEFF${CSV}`],
    ['a text for a number', `${CSV}x,1,c,2026-01-01,2026-01-01 00:00:00,true\n`],
    ['a fraction for a whole number', `${CSV}1.5,1,c,2026-01-01,2026-01-01 00:00:00,true\n`],
    ['a row of too few', `${CSV}1,2\n`],
    ['a row of too many', `${CSV}1,1,c,2026-01-01,2026-01-01 00:00:00,true,7\n`],
    ['a quote that does not end', `${CSV}1,1,"c,2026-01-01,2026-01-01 00:00:00,true\n`],
    ['text behind a quote', `${CSV}1,1,"c"d,2026-01-01,2026-01-01 00:00:00,true\n`],
    ['a day that is none', `${CSV}1,1,c,2026-02-30,2026-01-01 00:00:00,true\n`],
    ['a number that is too large', `${CSV}9223372036854775808,1,c,2026-01-01,2026-01-01 00:00:00,true\n`],
    ['bytes that are no text', Buffer.concat([Buffer.from(CSV), Buffer.from([0xff, 0xfe, 0x0a])])],
    ['nothing', ''],
  ])('in CSV is refused with %s', async (_, data) => {
    await expect(ask(table(data))).rejects.toMatchObject({ code: 'ROOM_SQL_INPUT' })
  })

  it.each([
    ['another name', LINE.replace('city', 'town')],
    ['another order', LINE.replace('"id":1,"share":0.5', '"share":0.5,"id":1')],
    ['a member more', LINE.replace('{', '{"x":1,')],
    ['a member less', LINE.replace('"id":1,', '')],
    ['a text for a number', LINE.replace('"id":1', '"id":"1"')],
    ['a fraction for a whole number', LINE.replace('"id":1', '"id":1.5')],
    ['a list for a text', LINE.replace('"Bern"', '["Bern"]')],
    ['a list', '[1,2]'],
    ['no JSON', 'x'],
  ])('in lines of JSON is refused with %s', async (_, line) => {
    await expect(ask(table(`${LINE}\n${line}\n`, 'jsonl'))).rejects.toMatchObject({ code: 'ROOM_SQL_INPUT' })
  })

  it.each([
    ['another name', `SELECT * RENAME (city AS town) FROM (${SELECT})`],
    ['another order', `SELECT share, * EXCLUDE (share) FROM (${SELECT})`],
    ['a column more', `SELECT *, 1 AS x FROM (${SELECT})`],
    ['another type', `SELECT * REPLACE (id::VARCHAR AS id) FROM (${SELECT})`],
    ['a nested type', `SELECT * REPLACE ([city] AS city) FROM (${SELECT})`],
  ])('in Parquet is refused with %s', async (_, sql) => {
    const data = await parquet(sql)
    await expect(ask(table(data, 'parquet'))).rejects.toMatchObject({ code: 'ROOM_SQL_INPUT' })
  })

  it('is refused where it is no Parquet', async () => {
    await expect(ask(table(CSV, 'parquet'))).rejects.toMatchObject({ code: 'ROOM_SQL_INPUT' })
    const cut = (await parquet(SELECT)).subarray(0, 300)
    await expect(ask(table(cut, 'parquet'))).rejects.toMatchObject({ code: 'ROOM_SQL_INPUT' })
  })
})
