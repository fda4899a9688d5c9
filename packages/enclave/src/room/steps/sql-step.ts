import type { Name, SqlTask } from '@sotto/protocol/contract'
import { roomRoleError } from '../errors.ts'
import { type MemoryFile, writeMemoryFile } from '../inputs/memory-file.ts'
import type { StepResult } from '../results.ts'
import {
  decodeRows,
  policyOf,
  runTemplate,
  type SqlEngine,
  type SqlInput,
  type TableFormat,
} from '../sql/index.ts'
import type { Step, StepTools } from './types.ts'

/** Node and DuckDB take so much besides what a query may. */
const PROCESS_BYTES: number = 2 * 1024 ** 3

/**
 * An approved query over tables, in a process of its own.
 * @throws `ROOM_TASK` where this room has no DuckDB; codes of `runTemplate`; `ROOM_INPUT`, `ROOM_FILES`
 */
export async function runSqlStep(step: Step, task: SqlTask): Promise<StepResult> {
  const { transform, plan, offer, tools, maxBytes, signal } = step
  const tableResults = new Map(
    [...step.results].flatMap(([name, result]) => (result.kind === 'table' ? [[name, result] as const] : [])),
  )
  const columns = new Map([...tableResults].map(([name, result]) => [name, result.columns]))
  const policy = policyOf(plan, transform, columns)
  // A step that others read has one query, without parameters.
  const isLast = plan.transforms.at(-1) === transform
  const template = isLast ? task.templates.find(({ name }) => name === offer.template)! : task.templates[0]!
  const made: MemoryFile[] = []
  return withSqlEngine(tools, async (engine, limits) => {
    try {
      const inputs: SqlInput[] = []
      for (const name of transform.reads) {
        const result = tableResults.get(name)
        if (result === undefined) {
          const { fd, whole } = step.inputs.begin(name)
          inputs.push({
            fd,
            whole: whole.then(({ manifest }) => ({ format: manifest.media as TableFormat })),
          })
          continue
        }
        const file = await writeMemoryFile(rowsOf(result))
        made.push(file)
        inputs.push({ fd: file.fd, whole: Promise.resolve({ format: 'jsonl' }) })
      }
      step.onProgress(0, 1)
      const result = await runTemplate(engine, {
        template,
        arguments: isLast ? offer.arguments : [],
        policy,
        inputs,
        limits: { ...limits, maxRows: task.maxRows, maxBytes },
        signal,
      })
      step.onProgress(1, 1)
      return { kind: 'table', columns: result.columns, bytes: result.bytes }
    } finally {
      for (const file of made) file.close()
    }
  })
}

/** Lends the engine of queries. @throws `ROOM_TASK` */
export async function withSqlEngine<T>(
  { host, sql }: StepTools,
  use: (engine: SqlEngine, limits: { timeoutMs: number; memoryBytes: number; threads: number }) => Promise<T>,
): Promise<T> {
  if (sql === undefined) throw roomRoleError('ROOM_TASK', 'this room has no DuckDB, and so runs no queries')
  const { entry, part, memoryBytes, threads, timeoutMs } = sql
  const { giveBack, ...place } = await host.place(PROCESS_BYTES + memoryBytes)
  const ends: Promise<void>[] = []
  const onStart = (exited: Promise<void>): void => void ends.push(exited)
  try {
    return await use({ entry, part, ...place, onStart }, { timeoutMs, memoryBytes, threads })
  } finally {
    // A uid is nobody else's before the last process under it is gone.
    void Promise.all(ends).then(giveBack)
  }
}

/** Rows of a query as the next one reads them: objects by the names of columns. */
async function* rowsOf({ columns, bytes }: StepResult & { kind: 'table' }): AsyncGenerator<Uint8Array> {
  const rows = bytes.subarray(bytes.indexOf(LINE_FEED) + 1)
  const names: Name[] = columns.map(({ name }) => name)
  const types = columns.map(({ type }) => type)
  for (const row of decodeRows(rows, types)) {
    const members = row.map(
      (value, at) =>
        `${JSON.stringify(names[at])}:${typeof value === 'bigint' ? value.toString() : JSON.stringify(value)}`,
    )
    yield Buffer.from(`{${members.join(',')}}\n`)
  }
}

const LINE_FEED = 0x0a
