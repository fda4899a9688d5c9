import { type MemoryFile, writeMemoryFile } from '../../packages/enclave/src/room/inputs/memory-file.ts'
import { runTemplate } from '../../packages/enclave/src/room/sql/index.ts'
import { withSqlEngine } from '../../packages/enclave/src/room/steps/sql-step.ts'
import { show, type Spread, spread } from '../support/stats.ts'
import { type JobTimes, runJob, timeKms } from './one-job.ts'
import { LEAST, openPartiesLab, type PartiesLab } from './parties-lab.ts'
import { openRoomTools, type QueryBounds, type RoomTools } from './room-engine.ts'
import { timeQuestions } from './stages.ts'

/** How jobs are measured. */
export interface JobsOptions extends QueryBounds {
  /** Numbers of parties, ascending. */
  readonly parties: readonly number[]
  /** Of each table. */
  readonly rows: number
  readonly rounds: number
  readonly say: (line: string) => void
}

/** Figures of runs between so many parties. */
export interface JobFigures {
  parties: number
  /** The same query over the same tables in clear, in the process of queries alone. */
  bareMs: Spread
  job: Record<keyof JobTimes, Spread>
  /** Middle of the runs over the middle of the bare queries. */
  ratio: number
}

/** Whole runs with a KMS in this process, beside their query alone, for each number of parties. */
export async function measureJobs({
  parties,
  rows,
  rounds,
  say,
  ...bounds
}: JobsOptions): Promise<JobFigures[]> {
  const tools = await openRoomTools(bounds)
  const takeStages = timeQuestions()
  const found: JobFigures[] = []
  try {
    say(`runs from offer to output, a table of ${rows} rows for each party; smallest / middle / largest`)
    for (const count of parties) {
      const opened = await openPartiesLab(count, rows, tools)
      const takeCalls = timeKms(opened.lab)
      try {
        const jobs: JobTimes[] = []
        const bare: number[] = []
        for (let round = 0; round <= rounds; round++) {
          const [one, job] = [await runBare(opened, tools), await runJob(opened, takeStages, takeCalls)]
          // A KMS answers so many calls of a contract in a second, and its clock is the lab's.
          opened.lab.world.now += 1
          if (round === 0) continue
          bare.push(one)
          jobs.push(job)
        }
        found.push(figuresOf(count, bare, jobs))
        say(describe(found.at(-1)!))
      } finally {
        await opened.lab.close()
      }
    }
    return found
  } finally {
    await tools.close()
  }
}

/** Milliseconds of the query, in a process of its own, over tables that are there. */
async function runBare({ parties, sql }: PartiesLab, { tools }: RoomTools): Promise<number> {
  const files: MemoryFile[] = []
  for (const { csv } of parties) files.push(await writeMemoryFile(onePiece(csv.slice())))
  const tables = parties.map(({ name, table }) => ({
    name: table,
    owner: name,
    contributor: 'customer',
    columns: [
      { name: 'customer', type: 'text' as const },
      { name: 'amount', type: 'integer' as const },
    ],
  }))
  try {
    const started = performance.now()
    await withSqlEngine(tools, (engine, limits) =>
      runTemplate(engine, {
        template: { name: 'count', sql, parameters: [] },
        arguments: [],
        policy: { tables, forbidden: [], joinKeys: ['customer'], minContributors: LEAST },
        inputs: files.map(({ fd }) => ({ fd, whole: Promise.resolve({ format: 'csv' as const }) })),
        limits: { ...limits, maxRows: 100, maxBytes: 4096 },
      }),
    )
    return performance.now() - started
  } finally {
    for (const file of files) file.close()
  }
}

async function* onePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

function figuresOf(parties: number, bare: readonly number[], jobs: readonly JobTimes[]): JobFigures {
  const bareMs = spread(bare)
  const of = (name: keyof JobTimes): Spread => spread(jobs.map((job) => job[name]))
  const job = {
    wallMs: of('wallMs'),
    offerMs: of('offerMs'),
    checkMs: of('checkMs'),
    beginMs: of('beginMs'),
    kmsRunMs: of('kmsRunMs'),
    startMs: of('startMs'),
    openMs: of('openMs'),
    loadMs: of('loadMs'),
    queryMs: of('queryMs'),
    kmsReleaseMs: of('kmsReleaseMs'),
    sealMs: of('sealMs'),
  }
  return { parties, bareMs, job, ratio: job.wallMs.median / bareMs.median }
}

function describe({ parties, bareMs, job, ratio }: JobFigures): string {
  const part = (name: string, { median }: Spread): string => `${name} ${median.toFixed(1)}`
  const parts = [
    part('offer with evidence', job.offerMs),
    part('templates checked', job.checkMs),
    part('consents and KMS verified', job.beginMs),
    part('KMS run', job.kmsRunMs),
    part('process', job.startMs),
    part('open', job.openMs),
    part('load', job.loadMs),
    part('query', job.queryMs),
    part('KMS release', job.kmsReleaseMs),
    part('sealed', job.sealMs),
  ]
  return [
    `  ${parties} parties: ${ratio.toFixed(2)} x, ${(job.wallMs.median - bareMs.median).toFixed(0)} ms more than the query alone`,
    `    query alone ${show(bareMs, 'ms', 0)}; run ${show(job.wallMs, 'ms', 0)}`,
    `    middle: ${parts.join(', ')} ms`,
  ].join('\n')
}
