/**
 * A process that runs one query with DuckDB and nothing else: what somebody has who holds all of the data. Its only argument
 * is a `PlainRun` as JSON; it prints a `PlainAnswer`. In JavaScript, so that nothing is compiled as it starts.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'

const { part, threads, memoryBytes, tables, sql } = JSON.parse(process.argv[2])
const { DuckDBInstance } = createRequire(join(part, 'package.json'))('@duckdb/node-api')
const options = { threads: `${threads}`, memory_limit: `${memoryBytes}B` }
const connection = await (await DuckDBInstance.create(':memory:', options)).connect()
// What a room's process may not do either.
await connection.run(`SET temp_directory = ''`)
for (const [name, file] of Object.entries(tables))
  await connection.run(`CREATE VIEW ${name} AS SELECT * FROM read_parquet('${file}')`)
const started = performance.now()
const rows = (await connection.runAndReadAll(sql)).getRows()
console.log(JSON.stringify({ queryMs: performance.now() - started, rows: rows.length }))
