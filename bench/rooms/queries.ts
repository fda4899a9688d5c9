import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { show, type Spread, spread } from '../support/stats.ts'
import { type PlainAnswer, runPlain } from './plain-run.ts'
import { QUERY_CASES } from './query-cases.ts'
import { contractOver, OWNERS } from './room-contract.ts'
import { openRoomTools, type QueryBounds } from './room-engine.ts'
import { drainInput, type RoomTimes, runInRoom } from './room-query.ts'
import { NearBoard, sealTable } from './sealed-table.ts'
import { timeQuestions } from './stages.ts'
import { PEOPLE, PURCHASES, writeParquet } from './tables.ts'

/** A room beside DuckDB in clear, both from nothing to the result: this many times its time, with nobody to protect. */
export const QUERY_GOAL = 1.3

/** How queries are measured. */
export interface QueriesOptions extends QueryBounds {
  readonly rows: number
  readonly rounds: number
  readonly say: (line: string) => void
}

const TABLES = [PEOPLE, PURCHASES]
/** In memory: the same for both. */
const DIRECTORY = '/dev/shm'
const STAGES = ['openMs', 'startMs', 'loadMs', 'queryMs'] as const

/** Figures of one query under one rule. */
export interface QueryFigures {
  name: string
  rule: string
  plainMs: Spread
  plainQueryMs: Spread
  roomMs: Spread
  stages: Record<(typeof STAGES)[number], Spread>
  /** Best of the room over best of the peer: whatever else the machine does makes either only longer. */
  ratio: number
  /** Of the statements alone, in processes that are there and over inputs that were opened. */
  queryRatio: number
  /** Of processor time, of all processes of either. */
  cpuRatio: number
}

export interface QueriesFound {
  rows: number
  megabytes: number
  /** Fetching, decrypting and hashing all inputs without keeping them. */
  drainMs: Spread
  figures: QueryFigures[]
}

/** Queries over sealed Parquet in a room, beside DuckDB over the same Parquet in clear. */
export async function measureQueries(options: QueriesOptions): Promise<QueriesFound> {
  const { rows, rounds, say } = options
  const folder = mkdtempSync(join(DIRECTORY, 'sotto-bench-rooms-'))
  const board = new NearBoard()
  const tools = await openRoomTools(options)
  try {
    const named = contractOver(TABLES)
    const files: Record<string, string> = {}
    const sources = []
    for (const table of TABLES) {
      const file = (files[table.name] = join(folder, `${table.name}.parquet`))
      await writeParquet(table, rows, file)
      sources.push(await sealTable(file, table.name, { party: OWNERS[table.owner]!, named, board }))
    }
    const megabytes = Object.values(files).reduce((sum, file) => sum + statSync(file).size, 0) / 1e6
    say(
      `queries over ${rows} x ${rows} rows, ${megabytes.toFixed(0)} MB of Parquet; smallest / middle / largest`,
    )
    const drains: number[] = []
    for (let round = 0; round <= rounds; round++) {
      const both = (await drainInput(sources[0]!, board)) + (await drainInput(sources[1]!, board))
      if (round > 0) drains.push(both)
    }
    const drainMs = spread(drains)
    say(`  both opened and not kept: ${show(drainMs, 'ms', 0)}, ${(megabytes / drainMs.min).toFixed(2)} GB/s`)
    const takeStages = timeQuestions()
    const figures: QueryFigures[] = []
    for (const { name, rule, tables, sql, policy } of QUERY_CASES) {
      const own = sources.filter(({ input }) => tables.some((table) => table.name === input.name))
      const found = await alternate(
        rounds,
        () => runPlain({ ...options, tables: files, sql }),
        () => runInRoom({ sql, policy, sources: own }, tools, board, takeStages),
      )
      figures.push({ name, rule, ...found })
      say(describe(figures.at(-1)!))
    }
    return { rows, megabytes, drainMs, figures }
  } finally {
    await tools.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Both in turn, once each before anything counts. */
async function alternate(
  rounds: number,
  plain: () => Promise<PlainAnswer & { wallMs: number }>,
  room: () => Promise<RoomTimes>,
): Promise<Omit<QueryFigures, 'name' | 'rule'>> {
  const plains: (PlainAnswer & { wallMs: number })[] = []
  const rooms: RoomTimes[] = []
  const cpu = { plain: [] as number[], room: [] as number[] }
  for (let round = 0; round <= rounds; round++) {
    const before = cpuMs()
    const one = await plain()
    const between = cpuMs()
    const other = await room()
    const after = cpuMs()
    if (one.rows !== other.rows) throw new Error(`${other.rows} rows in the room, and ${one.rows} in clear`)
    if (round === 0) continue
    plains.push(one)
    rooms.push(other)
    cpu.plain.push(between - before)
    cpu.room.push(after - between)
  }
  const plainMs = spread(plains.map(({ wallMs }) => wallMs))
  const plainQueryMs = spread(plains.map(({ queryMs }) => queryMs))
  const roomMs = spread(rooms.map(({ wallMs }) => wallMs))
  const of = (stage: (typeof STAGES)[number]): Spread => spread(rooms.map((one) => one[stage]))
  const stages = {
    openMs: of('openMs'),
    startMs: of('startMs'),
    loadMs: of('loadMs'),
    queryMs: of('queryMs'),
  }
  return {
    plainMs,
    plainQueryMs,
    roomMs,
    stages,
    ratio: roomMs.min / plainMs.min,
    queryRatio: stages.queryMs.min / plainQueryMs.min,
    cpuRatio: spread(cpu.room).min / spread(cpu.plain).min,
  }
}

/** Processor time of this process and of its children that ended, in milliseconds, at a resolution of 10 ms. */
function cpuMs(): number {
  const fields = readFileSync('/proc/self/stat', 'latin1').split(') ')[1]!.split(' ')
  return [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0) * 10
}

function describe({
  name,
  rule,
  plainMs,
  plainQueryMs,
  roomMs,
  stages,
  ratio,
  queryRatio,
  cpuRatio,
}: QueryFigures): string {
  const { openMs, startMs, loadMs, queryMs } = stages
  return [
    `  ${name}, ${rule}: ${ratio.toFixed(2)} x; processor time ${cpuRatio.toFixed(2)} x; the query alone ${queryRatio.toFixed(2)} x`,
    `    in clear ${show(plainMs, 'ms', 0)}, of which the query ${plainQueryMs.min.toFixed(0)} ms`,
    `    room     ${show(roomMs, 'ms', 0)}, of which open ${openMs.min.toFixed(0)}, start ${startMs.min.toFixed(0)}, ` +
      `load ${loadMs.min.toFixed(0)}, query ${queryMs.min.toFixed(0)} ms`,
  ].join('\n')
}
