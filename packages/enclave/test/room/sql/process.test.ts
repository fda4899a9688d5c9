import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { withMemoryLimit } from '../../../src/engines/host/memory-limit.ts'
import { probeSandbox } from '../../../src/engines/host/sandbox.ts'
import { SqlProcess } from '../../../src/room/sql/process.ts'
import type { SqlEngine } from '../../../src/room/sql/index.ts'
import { NO_DUCKDB, openEngine, query, ramFile } from './engine.ts'
import { RULES } from './people.ts'

const COUNT = 'SELECT count(*) AS n FROM shop'

describe.skipIf(NO_DUCKDB)('the process of a query', () => {
  const open: SqlProcess[] = []
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close()
  })

  async function start(timeoutMs = 30_000, threads = 1): Promise<SqlProcess> {
    const engine = openEngine()
    const child = new SqlProcess({ ...engine, fds: [ramFile('a\n1\n')], timeoutMs })
    open.push(child)
    await child.ask({ ask: 'open', part: engine.part, fds: [4], threads, memoryBytes: 2 ** 28 }, 'opened')
    return child
  }

  function run(child: SqlProcess, text: string): Promise<unknown> {
    return child.ask(
      { ask: 'run', statement: text, types: ['integer'], maxRows: 10, maxBytes: 1000 },
      'ran',
      () => {},
    )
  }

  it('runs in the sandbox of engines: its own uid, no network, no file to write, a limit of memory', async () => {
    const emptyDirectory = openEngine().emptyDirectory
    const uid = 63_500
    const entry = fileURLToPath(new URL('../../../src/room/sql/worker.ts', import.meta.url))
    const sandbox = await probeSandbox({ entry, uid, emptyDirectory })
    const prefix = [...withMemoryLimit(4 * 2 ** 30), ...sandbox.prefix(uid, emptyDirectory)]
    expect(await query({ ...RULES, sql: COUNT, engine: openEngine({ prefix }) })).toEqual([[90]])
  })

  it.each([
    ['read a file', `read_text('/etc/hostname')`],
    ['read another kind of file', `read_csv('/etc/passwd')`],
    ['read a descriptor that is none of its own', `read_text('/proc/self/fd/3')`],
    ['read its environment', `read_text('/proc/self/environ')`],
  ])('cannot %s, even where nobody checked what it runs', async (_, from) => {
    const child = await start()
    const { tree } = await child.ask({ ask: 'parse', sql: `SELECT count(*) FROM ${from}` }, 'parsed')
    await expect(run(child, tree)).rejects.toMatchObject({ code: 'ROOM_SQL_FAILED' })
  })

  it('can read what it was given', async () => {
    const child = await start()
    const sql = `SELECT count(*) FROM read_text('/proc/self/fd/4')`
    const { tree } = await child.ask({ ask: 'parse', sql }, 'parsed')
    await expect(run(child, tree)).resolves.toMatchObject({
      rows: 1,
    })
  })

  it.each([
    'SET threads = 4',
    `ATTACH '/tmp/x.db'`,
    `COPY (SELECT 1) TO '/tmp/x.csv'`,
    'INSTALL httpfs',
    'LOAD httpfs',
  ])('has no way to be told %s', async (sql) => {
    const child = await start()
    const { tree } = await child.ask({ ask: 'parse', sql }, 'parsed')
    expect(JSON.parse(tree)).toMatchObject({ error: true })
    await expect(run(child, tree)).rejects.toMatchObject({ code: 'ROOM_SQL_FAILED' })
  })

  it('answers the same every time: no row twice, none lost and none of another, whatever thread does what', async () => {
    const child = await start(120_000, 4)
    const sql = `SELECT CAST(i % 5003 AS BIGINT) AS g, count(*) AS n, CAST(sum(i) AS BIGINT) AS s
      FROM range(50000) r(i) GROUP BY g ORDER BY g`
    const { tree } = await child.ask({ ask: 'parse', sql }, 'parsed')
    const groups = Array.from({ length: 5003 }, (_, group) => {
      const members = Array.from({ length: 10 }, (__, at) => group + at * 5003).filter((one) => one < 50_000)
      return [group, members.length, members.reduce((sum, one) => sum + one, 0)]
    })
    const expected = groups.map((group) => `${JSON.stringify(group)}\n`).join('')
    for (let time = 0; time < (process.env['SLOW'] === '1' ? 2000 : 100); time++) {
      const pieces: Uint8Array[] = []
      const types = ['integer', 'integer', 'integer'] as const
      const { rows } = await child.ask(
        { ask: 'run', statement: tree, types, maxRows: 10_000, maxBytes: 2 ** 20 },
        'ran',
        (bytes) => pieces.push(bytes),
      )
      expect(rows).toBe(5003)
      expect(Buffer.concat(pieces).toString() === expected).toBe(true)
    }
  })

  it('runs nothing but the one statement that it was asked for', async () => {
    const child = await start()
    const { tree } = await child.ask({ ask: 'parse', sql: 'SELECT 1 AS a; SELECT 2 AS a' }, 'parsed')
    await expect(run(child, tree)).rejects.toMatchObject({ code: 'ROOM_SQL_FAILED' })
    const unwritten = tree.replace(/\},\{"node".*$/, '}]}').replace('"INTEGER"', '"BIGINT"')
    expect((JSON.parse(unwritten) as { statements: unknown[] }).statements).toHaveLength(1)
    await expect(run(child, unwritten)).rejects.toMatchObject({ code: 'ROOM_SQL_FAILED' })
  })

  it('loses no time of its own while it waits for us', async () => {
    const child = await start(1500)
    const waited = await child.waitFor(new Promise((resolve) => setTimeout(() => resolve('there'), 2500)))
    expect(waited).toBe('there')
    await expect(child.ask({ ask: 'parse', sql: 'SELECT 1' }, 'parsed')).resolves.toBeDefined()
    // From then on it has the whole of it again, and no more.
    const sql = 'SELECT count(*) FROM range(1000000000000) WHERE random() > 2'
    const { tree } = await child.ask({ ask: 'parse', sql }, 'parsed')
    await expect(run(child, tree)).rejects.toMatchObject({ code: 'ROOM_SQL_TIMEOUT' })
  })

  it('that ends while it waits for us is waited for no longer, and what fails of ours is thrown', async () => {
    const child = await start()
    const never = child.waitFor(new Promise(() => undefined))
    child.kill(new Error('taken away'))
    await expect(never).rejects.toThrow('taken away')
    const other = await start()
    await expect(other.waitFor(Promise.reject(new Error('no input')))).rejects.toThrow('no input')
  })

  it('is gone when its time is over', async () => {
    const child = await start(4000)
    const sql = 'SELECT count(*) FROM range(1000000000000) WHERE random() > 2'
    const { tree } = await child.ask({ ask: 'parse', sql }, 'parsed')
    await expect(run(child, tree)).rejects.toMatchObject({ code: 'ROOM_SQL_TIMEOUT' })
    await child.exited
  })

  it('is gone when the caller cancels', async () => {
    const controller = new AbortController()
    const asked = query({ ...RULES, sql: COUNT, signal: controller.signal })
    controller.abort()
    await expect(asked).rejects.toMatchObject({ code: 'ROOM_SQL_CANCELLED' })
  })

  it('says that DuckDB is not installed', async () => {
    const asked = query({ ...RULES, sql: COUNT, engine: openEngine({ part: '/nonexistent' }) })
    await expect(asked).rejects.toMatchObject({ code: 'ROOM_SQL_PART' })
  })

  it('says that it ended', async () => {
    const asked = query({ ...RULES, sql: COUNT, engine: openEngine({ entry: '/nonexistent.ts' }) })
    await expect(asked).rejects.toMatchObject({ code: 'ROOM_SQL_CRASHED' })
  })

  it.each([
    ['says something else', `{ say: 'opened' }`],
    ['says something that is no answer', `{ say: 'parsed', tree: 5 }`],
    ['sends rows that nobody asked for', undefined],
    ['says a failure that only the room finds', `{ say: 'failed', code: 'ROOM_SQL_REFUSED', message: 'x' }`],
  ])('is not believed when it %s', async (_, answer) => {
    await expect(query({ ...RULES, sql: COUNT, engine: takenOver(answer) })).rejects.toMatchObject({
      code: 'ROOM_SQL_CRASHED',
    })
  })

  it.each([
    ['ROOM_SQL_FAILED', 'ada@example.com owes 900', 'DuckDB could not run what was checked'],
    [
      'ROOM_SQL_INPUT',
      'input 1 is not the table that the contract states; expected ada@example.com',
      'an input is not the table that the contract states',
    ],
    [
      'ROOM_SQL_INPUT',
      'input 2 is not the table that the contract states; expected rows of these types',
      'input 2 is not the table that the contract states',
    ],
  ])('that fails with %s and says %s has no words of its own', async (code, said, message) => {
    const engine = takenOver(JSON.stringify({ say: 'failed', code, message: said }))
    const error: unknown = await query({ ...RULES, sql: COUNT, engine }).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code, message })
    expect(`${String(error)} ${JSON.stringify(error)}`).not.toMatch(/ada|900/)
  })
})

/** The process of a query, as whoever took it over would have it answer: a piece of a result, or this. */
function takenOver(answer?: string): SqlEngine {
  const frame = answer === undefined ? 'piece' : 'message'
  const source = `
      import { Socket } from 'node:net'
      const socket = new Socket({ fd: 3, readable: true, writable: true })
      let asked = 0
      const send = (kind, bytes) => {
        const head = Buffer.alloc(5); head.writeUInt32BE(bytes.length + 1); head[4] = kind
        socket.write(Buffer.concat([head, bytes]))
      }
      socket.on('data', () => {
        if (asked++ === 0) send(0, Buffer.from(JSON.stringify({ say: 'opened' })))
        else if ('${frame}' === 'piece') send(1, Buffer.from('[1]'))
        else send(0, Buffer.from(JSON.stringify(${answer ?? 'null'})))
      })`
  const entry = `data:text/javascript,${encodeURIComponent(source)}`
  return openEngine({ entry: '-', flags: ['--import', entry] })
}
