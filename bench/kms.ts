import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openPostgresStore, openSqliteStore, parseDatabaseUrl } from '../packages/kms/src/store/index.ts'
import { hasPostgres, PostgresServer } from '../packages/kms/test/postgres/server.ts'
import { Enclave, seed, World } from '../packages/kms/test/world.ts'
import { percentile } from './support/stats.ts'

/**
 * A whole KMS in this process, with a log in this process: keys released a second and how long one release takes,
 * imports of content keys (each a commit, an anchor in the log, and two commits more), and one commit of the store
 * alone. First with a SQLite file, then with a PostgreSQL of its own on a Unix socket.
 */
const WARM_UP = 20
/** Requests under way at once; a KMS judges eight. */
const AT_ONCE = 8
/** Receipts a second that a KMS allows: the bench's clock goes so fast that they are never what is measured. */
const RECEIPTS_PER_SECOND = 4

const { values } = parseArgs({
  options: { releases: { type: 'string', default: '200' }, json: { type: 'boolean', default: false } },
})

interface Figures {
  store: string
  releasesPerSecond: number
  releaseCpuMs: number
  releaseP50Ms: number
  releaseP99Ms: number
  importP50Ms: number
  commitP50Ms: number
}

const folder = mkdtempSync(join(tmpdir(), 'sotto-bench-kms-'))
const results: Figures[] = []
try {
  const file = openSqliteStore({ path: join(folder, 'kms.sqlite'), sealingKey: seed(7) })
  const world = new World()
  world.store = file
  results.push(await measure('sqlite', world))
  await file.close()
  if (hasPostgres) results.push(await withPostgres())
  else
    process.stderr.write(
      'note: PostgreSQL is not installed (Debian: postgresql): measured with SQLite alone\n',
    )
} finally {
  rmSync(folder, { recursive: true, force: true })
}
if (values.json) console.log(JSON.stringify(results))
else {
  for (const each of results)
    console.log(
      `${each.store.padEnd(10)} ${each.releasesPerSecond} releases/s, ${each.releaseCpuMs} ms CPU each; ` +
        `one of ${AT_ONCE}: p50 ${each.releaseP50Ms} ms, p99 ${each.releaseP99Ms} ms; ` +
        `import ${each.importP50Ms} ms, commit ${each.commitP50Ms} ms (p50)`,
    )
}

async function withPostgres(): Promise<Figures> {
  const server = await PostgresServer.create()
  const access = openPostgresStore({
    address: parseDatabaseUrl(server.url()),
    name: 'bench',
    sealingKey: seed(7),
    leaseMs: 10_000,
  })
  try {
    const world = new World()
    const term = await access.acquire(AbortSignal.timeout(30_000))
    world.store = term.store
    world.term = term
    const figures = await measure('postgresql', world)
    await term.end()
    return figures
  } finally {
    await access.close()
    await server.remove()
  }
}

async function measure(store: string, world: World): Promise<Figures> {
  await world.start()
  await world.acceptPolicy(world.proposal())
  await world.admitOwners([world.owner(undefined, 64)])
  const count = Number(values.releases)
  await release(world, WARM_UP)
  const { times, cpuMs, wallMs } = await release(world, count)
  const imports = await timed(20, (n) => {
    const id = n.toString(16).padStart(32, '0')
    return world.kms.importArtifact(id, world.artifactImport(id, seed(n)))
  })
  const commits = await timed(50, (n) =>
    world.store.commit([{ table: 'state', key: 'seen', value: seed(n) }]),
  )
  return {
    store,
    releasesPerSecond: round(count / (wallMs / 1000), 0),
    releaseCpuMs: round(cpuMs / count, 2),
    releaseP50Ms: round(percentile(times, 0.5), 1),
    releaseP99Ms: round(percentile(times, 0.99), 1),
    importP50Ms: round(percentile(imports, 0.5), 1),
    commitP50Ms: round(percentile(commits, 0.5), 2),
  }
}

/** Every release is to another boot of an enclave, as after a rotation of a whole fleet; what those do is not counted. */
async function release(
  world: World,
  count: number,
): Promise<{ times: number[]; cpuMs: number; wallMs: number }> {
  const times: number[] = []
  let [cpuMs, wallMs] = [0, 0]
  for (let done = 0; done < count; done += AT_ONCE) {
    world.now += AT_ONCE / RECEIPTS_PER_SECOND
    const requests = await Promise.all(
      Array.from({ length: AT_ONCE }, () => new Enclave(world.workload).request(world)),
    )
    const [cpu, began] = [process.cpuUsage(), performance.now()]
    await Promise.all(
      requests.map(async (request) => {
        const started = performance.now()
        await world.kms.release(request)
        times.push(performance.now() - started)
      }),
    )
    const { user, system } = process.cpuUsage(cpu)
    cpuMs += (user + system) / 1000
    wallMs += performance.now() - began
  }
  return { times: ascending(times), cpuMs, wallMs }
}

async function timed(count: number, work: (n: number) => Promise<unknown>): Promise<number[]> {
  const times: number[] = []
  for (let n = 0; n < count; n++) {
    const started = performance.now()
    await work(n)
    times.push(performance.now() - started)
  }
  return ascending(times)
}

function ascending(times: readonly number[]): number[] {
  return times.toSorted((a, b) => a - b)
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
