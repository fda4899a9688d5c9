import { Socket } from 'node:net'
import Client from 'pg/lib/client'
import { isStatementError, postgresFailure } from './postgres-errors.ts'
import { type PostgresAddress, unusable } from './postgres-url.ts'

/** How one database is reached. */
export interface PostgresConnectionOptions {
  address: PostgresAddress
  /** Bound of connecting and of each statement. */
  timeoutMs: number
  /** Most bytes the server may send in answer to one statement. */
  maxAnswerBytes: number
}

/** One row as the server sent it; whoever runs the server chose every value. */
export type AnswerRow = Readonly<Record<string, unknown>>

/** Between two looks at how much a server has sent. */
const WATCH_MS = 20
const KEEP_ALIVE_MS = 5000

interface Open {
  client: InstanceType<typeof Client>
  socket: Socket
}

/**
 * One connection to PostgreSQL, made when it is needed and again after it broke. Statements run one at a time, each
 * bounded in time and in what it may bring; one that passes a bound ends the connection, because what the server
 * still sends for it must not be taken for the answer to the next.
 */
export class PostgresConnection {
  private readonly options: PostgresConnectionOptions
  private current: Open | undefined
  private line: Promise<unknown> = Promise.resolve()
  private isClosed = false

  constructor(options: PostgresConnectionOptions) {
    this.options = options
  }

  /**
   * Runs one statement, by itself a transaction: when this returns, it is durable.
   * @throws `KMS_STORE_FULL` (nothing happened), `KMS_STORE_ACCESS`, `KMS_STORE_TAMPERED`, `KMS_STORE_FAILED` (unknown)
   */
  query(text: string, values: readonly unknown[] = []): Promise<AnswerRow[]> {
    const turn = this.line.then(() => this.run(text, values))
    this.line = turn.catch(() => undefined)
    return turn
  }

  /** Ends the connection; a statement under way fails. */
  async close(): Promise<void> {
    this.isClosed = true
    const open = this.current
    this.current = undefined
    if (open === undefined) return
    await open.client.end().catch(() => undefined)
    open.socket.destroy()
  }

  private async run(text: string, values: readonly unknown[]): Promise<AnswerRow[]> {
    if (this.isClosed) throw postgresFailure(new Error('closed'))
    let open: Open | undefined
    try {
      open = this.current ?? (await this.connect())
      const { rows } = await this.bounded(open, open.client.query<AnswerRow>(text, values as unknown[]))
      return rows
    } catch (error) {
      if (open !== undefined && !isStatementError(error)) this.drop(open)
      throw postgresFailure(error)
    }
  }

  private async connect(): Promise<Open> {
    const { address, timeoutMs } = this.options
    const { password, tls, ...where } = address
    const socket = new Socket()
    const client = new Client({
      ...where,
      // A function, so that no file and no variable of this machine is asked for one.
      password() {
        if (password === undefined) throw unusable('it asks for a password, and the URL has none')
        return password
      },
      ssl: tls ?? false,
      stream: () => socket,
      application_name: 'sotto-kms',
      connectionTimeoutMillis: timeoutMs,
      statement_timeout: timeoutMs,
      lock_timeout: timeoutMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    })
    const open = { client, socket }
    // Between statements nobody waits for the connection: the next statement makes a new one.
    client.on('error', () => this.drop(open))
    try {
      await this.bounded(open, client.connect())
      // Acknowledged means durable, whatever the server's default says.
      await this.bounded(
        open,
        client.query(
          "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') IN ('off', 'local')",
        ),
      )
    } catch (error) {
      this.drop(open)
      throw error
    }
    this.current = open
    return open
  }

  /** Ends the connection when an answer takes too long or is too large. */
  private async bounded<T>({ socket }: Open, answer: Promise<T>): Promise<T> {
    const { timeoutMs, maxAnswerBytes } = this.options
    const started = performance.now()
    const before = socket.bytesRead
    const watch = setInterval(() => {
      if (performance.now() - started > timeoutMs) socket.destroy(new Error('the statement took too long'))
      if (socket.bytesRead - before > maxAnswerBytes) socket.destroy(new Error('the answer is too large'))
    }, WATCH_MS)
    try {
      return await answer
    } finally {
      clearInterval(watch)
    }
  }

  private drop(open: Open): void {
    if (this.current === open) this.current = undefined
    open.socket.destroy()
  }
}
