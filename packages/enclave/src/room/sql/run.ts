import type { Argument, SqlTemplate } from '@sotto/protocol/contract'
import { FIRST_INPUT_DESCRIPTOR, type RoomProcessOptions } from '../process/index.ts'
import { checkTemplate, type CheckedTemplate } from './check.ts'
import type { ColumnType } from './column-type.ts'
import { encodeNoise } from './encode-noise.ts'
import { encodePlan, encodeUniqueSides } from './encode-plan.ts'
import { refuse, roomSqlError } from './errors.ts'
import type { TableFormat } from './messages.ts'
import { addNoise } from './noise.ts'
import { parameterValues } from './parameters.ts'
import { inParsedForm } from './parsed-form.ts'
import { SqlProcess } from './process.ts'
import { decodeRows, encodeHeader, type SqlResult } from './result.ts'
import { encodeRow } from './rows.ts'
import type { SqlPolicy } from './types.ts'

/** Where and how queries run, the same for all of a room. */
export interface SqlEngine extends Omit<RoomProcessOptions, 'fds' | 'timeoutMs' | 'signal'> {
  /** Folder of the part that has DuckDB: what `node scripts/parts.ts rooms` prints. */
  readonly part: string
}

/** What one query may take. */
export interface SqlLimits {
  /** Milliseconds for its start, and again from the time when its inputs are there to its last row. */
  readonly timeoutMs: number
  /** Bytes that DuckDB may hold; the process takes some 300 MiB besides. */
  readonly memoryBytes: number
  readonly threads: number
  /** Of the task. */
  readonly maxRows: number
  /** Of the output, with the line of its columns. */
  readonly maxBytes: number
}

/** A table's data, in a RAM file (`openUnnamed`) that the process may read. */
export interface SqlInput {
  /** Read-only descriptor: the process has it from its start. */
  readonly fd: number
  /** When all of it is there: the process is told to read it then, and not before. */
  readonly whole: Promise<{ readonly format: TableFormat }>
}

/** One run of a template. */
export interface SqlRun {
  readonly template: SqlTemplate
  readonly arguments: readonly Argument[]
  readonly policy: SqlPolicy
  /** In the order of the policy's tables. */
  readonly inputs: readonly SqlInput[]
  readonly limits: SqlLimits
  readonly signal?: AbortSignal
}

/** What checking a template alone takes: no data are there. */
const CHECK_LIMITS = { timeoutMs: 30_000, memoryBytes: 256 * 1024 * 1024, threads: 1 }

/**
 * Checks templates before anybody signs them, as the room will that runs them.
 * @throws `ROOM_SQL_REFUSED` with the rule that the first bad one breaks, `ROOM_SQL_SYNTAX`, `ROOM_SQL_PART`
 */
export async function checkTemplates(
  engine: SqlEngine,
  templates: readonly SqlTemplate[],
  policy: SqlPolicy,
): Promise<CheckedTemplate[]> {
  const child = new SqlProcess({ ...engine, fds: [], timeoutMs: CHECK_LIMITS.timeoutMs })
  try {
    await child.ask({ ask: 'open', part: engine.part, fds: [], ...CHECK_LIMITS }, 'opened')
    const checked: CheckedTemplate[] = []
    for (const { sql, parameters } of templates) {
      const { tree } = await child.ask({ ask: 'parse', sql }, 'parsed')
      checked.push(checkTemplate(tree, parameters, policy))
    }
    return checked
  } finally {
    await child.close()
  }
}

/**
 * Runs a template: DuckDB reads it, it is checked, and what runs is made of what was checked. All of it or nothing is
 * answered. No expression of a template can fail for a row; that a run takes too long, or too much memory, can still depend
 * on the data, and is said.
 * @throws `ROOM_SQL_REFUSED`, `ROOM_SQL_INPUT`, `ROOM_SQL_TOO_LARGE`, `ROOM_SQL_TIMEOUT` and the other `ROOM_SQL_` codes
 */
export async function runTemplate(engine: SqlEngine, run: SqlRun): Promise<SqlResult> {
  const { template, policy, inputs, limits, signal } = run
  if (inputs.length !== policy.tables.length) throw new TypeError('an input for each table')
  const values = parameterValues(template.parameters, run.arguments)
  const { timeoutMs, memoryBytes, threads } = limits
  const child = new SqlProcess({ ...engine, fds: inputs.map(({ fd }) => fd), timeoutMs, signal })
  try {
    const fds = inputs.map((_, at) => FIRST_INPUT_DESCRIPTOR + at)
    await child.ask({ ask: 'open', part: engine.part, fds, threads, memoryBytes }, 'opened')
    const { tree } = await child.ask({ ask: 'parse', sql: template.sql }, 'parsed')
    // Before data are read, so that a template that is refused costs nothing.
    checkTemplate(tree, template.parameters, policy)
    const whole = await child.waitFor(Promise.all(inputs.map((input) => input.whole)))
    const tables = policy.tables.map(({ columns }, at) => ({
      fd: fds[at]!,
      format: whole[at]!.format,
      columns: columns.map(({ name, type }) => ({ name, type })),
    }))
    const { neverNull } = await child.ask({ ask: 'load', tables }, 'loaded')
    const plan = checkTemplate(tree, template.parameters, withNulls(policy, neverNull))
    return plan.kind === 'noise'
      ? await runNoise(child, plan, limits, values)
      : await runQuery(child, plan, limits, values)
  } finally {
    // Nobody waits until the kernel has its memory back: who gave it a place learns when it is gone.
    child.kill(roomSqlError('ROOM_SQL_CRASHED', 'the process of the query ended'))
  }
}

async function runQuery(
  child: SqlProcess,
  plan: CheckedTemplate & { kind: 'query' },
  limits: SqlLimits,
  values: ReturnType<typeof parameterValues>,
): Promise<SqlResult> {
  await requireUniqueSides(child, encodeUniqueSides(plan, values))
  const header = encodeHeader(plan.columns)
  const types = plan.columns.map(({ type }) => type)
  const rows = await ask(
    child,
    encodePlan(plan, values),
    types,
    limits.maxRows,
    limits.maxBytes - header.length,
  )
  let found = 0
  for (const _ of decodeRows(rows, types)) found++
  return { columns: plan.columns, rows: found, bytes: Buffer.concat([header, rows]) }
}

/** @throws `ROOM_SQL_REFUSED` (`join-multiplicity`) */
async function requireUniqueSides(
  child: SqlProcess,
  requirements: readonly (readonly string[])[],
): Promise<void> {
  for (const statements of requirements) {
    let isUnique = false
    for (const statement of statements)
      isUnique ||= (await ask(child, statement, ['boolean'], 1, MAX_EXACT_BYTES)).length === 0
    if (!isUnique) throw refuse('join-multiplicity', 'a join key that is in several rows')
  }
}

/** Exact figures come this far, and no further. */
async function runNoise(
  child: SqlProcess,
  plan: CheckedTemplate & { kind: 'noise' },
  limits: SqlLimits,
  values: ReturnType<typeof parameterValues>,
): Promise<SqlResult> {
  const extra: ColumnType[] = plan.minContributors > 1 ? ['integer'] : []
  const types = [
    ...plan.keys.map(({ type }) => type),
    ...plan.aggregates.map(() => 'integer' as const),
    ...extra,
  ]
  const rows = await ask(child, encodeNoise(plan, values), types, MAX_EXACT_ROWS, MAX_EXACT_BYTES)
  const noisy = addNoise(plan, [...decodeRows(rows, types)])
  const header = encodeHeader(plan.columns)
  const shown = plan.columns.map(({ type }) => type)
  const bytes = Buffer.concat([
    header,
    Buffer.from(noisy.map((row) => `${encodeRow(row, shown)}\n`).join('')),
  ])
  if (noisy.length > limits.maxRows) throw tooLarge(`at most ${limits.maxRows} rows`)
  if (bytes.length > limits.maxBytes) throw tooLarge(`at most ${limits.maxBytes} bytes`)
  return { columns: plan.columns, rows: noisy.length, bytes }
}

/** There are no more groups than a template lists. */
const MAX_EXACT_ROWS = 10_000
const MAX_EXACT_BYTES = 64 * 1024 * 1024

/** The rows of a statement, all of them. The process bounds them itself, and is not trusted to. */
async function ask(
  child: SqlProcess,
  statement: string,
  types: readonly ColumnType[],
  maxRows: number,
  maxBytes: number,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let length = 0
  const question = { ask: 'run', statement: inParsedForm(statement), types, maxRows, maxBytes } as const
  const { rows } = await child.ask(question, 'ran', (bytes) => {
    length += bytes.length
    if (length > maxBytes) throw tooLarge(`at most ${maxBytes} bytes`)
    pieces.push(bytes)
  })
  if (rows > maxRows) throw tooLarge(`at most ${maxRows} rows`)
  return Buffer.concat(pieces)
}

function withNulls(policy: SqlPolicy, neverNull: readonly (readonly boolean[])[]): SqlPolicy {
  return {
    ...policy,
    tables: policy.tables.map((table, at) => ({
      ...table,
      columns: table.columns.map((column, index) => ({
        ...column,
        neverNull: neverNull[at]?.[index] === true,
      })),
    })),
  }
}

function tooLarge(expected: string): Error {
  return roomSqlError('ROOM_SQL_TOO_LARGE', 'the result is larger than the contract allows', { expected })
}
