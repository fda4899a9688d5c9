import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { MEMORY_ENV, MEMORY_FLAGS } from '../packages/cli/src/stack/memory.ts'
import { measureJobs } from './rooms/jobs.ts'
import { PART } from './rooms/plain-run.ts'
import { measureQueries, QUERY_GOAL } from './rooms/queries.ts'
import { measureSealing } from './rooms/sealing.ts'
import { describeNoise, measureNoise } from './support/noise.ts'

/**
 * Clean rooms, each part beside a peer or a limit of the same run: queries over sealed Parquet beside DuckDB over the same
 * Parquet in clear, with nobody to protect, with k contributors in every group, and with noise; sealing and opening beside
 * the ciphers and hashes alone; whole runs between 2 to 16 parties, with a KMS, beside their query alone. It runs with the
 * environment and the arguments that rooms are started with.
 */
const GIB = 2 ** 30
const PARTS = ['queries', 'sealing', 'jobs'] as const
type Part = (typeof PARTS)[number]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rows: { type: 'string', default: '10000000' },
    rounds: { type: 'string', default: '3' },
    threads: { type: 'string', default: '2' },
    // What a room gives a query that is configured with nothing else, in GiB.
    memory: { type: 'string', default: '4' },
    megabytes: { type: 'string', default: '256' },
    parties: { type: 'string', default: '2,4,8,16' },
    json: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
  },
})

const isLikeARole = MEMORY_FLAGS.every((flag) => process.execArgv.includes(flag))
process.exitCode = isLikeARole ? await main() : again()

function again(): number {
  const words = [...MEMORY_FLAGS, ...process.argv.slice(1)]
  const env = { ...process.env, ...MEMORY_ENV }
  return spawnSync(process.execPath, words, { env, stdio: 'inherit' }).status ?? 1
}

async function main(): Promise<number> {
  const unknown = positionals.find((name) => !(PARTS as readonly string[]).includes(name))
  if (unknown !== undefined) {
    console.error(`rooms has no part ${unknown}: ${PARTS.join(', ')}`)
    return 2
  }
  if (!existsSync(join(PART, 'node_modules/@duckdb/node-api'))) {
    console.error('DuckDB is not installed: node scripts/parts.ts rooms')
    return 1
  }
  const isAsked = (part: Part): boolean => positionals.length === 0 || positionals.includes(part)
  const say = (line: string): void => void (values.json || console.log(line))
  const rounds = Number(values.rounds)
  const bounds = { threads: Number(values.threads), memoryBytes: Number(values.memory) * GIB }
  const before = await measureNoise()
  say(describeNoise('before', before))
  const sealing = isAsked('sealing')
    ? await measureSealing({ megabytes: Number(values.megabytes), rounds, say })
    : undefined
  const parties = values.parties.split(',').map(Number)
  // Single runs are short, and what the machine does meanwhile is long.
  const jobs = isAsked('jobs')
    ? await measureJobs({ ...bounds, parties, rows: 1000, rounds: rounds * 3, say })
    : undefined
  const queries = isAsked('queries')
    ? await measureQueries({ ...bounds, rows: Number(values.rows), rounds, say })
    : undefined
  const after = await measureNoise()
  say(describeNoise('after', after))
  if (values.json) console.log(JSON.stringify({ before, sealing, jobs, queries, after }))
  if (queries === undefined) return 0
  const free = queries.figures.filter(({ rule }) => rule === 'k = 1')
  for (const { name, ratio } of free)
    say(`goal <= ${QUERY_GOAL} x, ${name}, k = 1: ${ratio <= QUERY_GOAL ? 'holds' : 'DOES NOT HOLD'}`)
  return values.check && free.some(({ ratio }) => ratio > QUERY_GOAL) ? 1 : 0
}
