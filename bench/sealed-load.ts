import {
  createReadStream,
  createWriteStream,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import { crypto } from '@sotto/protocol/crypto-backend'
import { createModelManifest, type ModelManifest } from '@sotto/protocol/model-manifest'
import { sealArtifact } from '@sotto/protocol/sealed'
import type { ModelStatement } from '@sotto/protocol/sealed-models'
import { EngineHost, readModelDirectory } from '../packages/enclave/src/engines/index.ts'
import { loadOwnedModel } from '../packages/enclave/src/models/owned/load.ts'
import { createRegistry } from '../packages/enclave/src/models/owned/registry.ts'
import { LLAMA_SHAPES, writeRandomLlama } from './support/random-gguf.ts'
import { gate, show, spread } from './support/stats.ts'

/**
 * Loading a model that its owner sealed, against loading the same file as it lies open on the disk: from the first byte
 * read until the engine takes requests. The sealed one comes over HTTP in ranges, from a process of its own, and its key is
 * there at once; the plain one is read and compared with its manifest, as the default models are.
 */
const LIMIT = 1.15

const { values } = parseArgs({
  options: {
    repeats: { type: 'string', default: '3' },
    shape: { type: 'string', default: '110m' },
    json: { type: 'boolean', default: false },
  },
})

const folder = mkdtempSync(join(tmpdir(), 'sotto-bench-sealed-'))
const host = await EngineHost.open({
  entry: new URL('../packages/enclave/src/engines/worker/main.ts', import.meta.url).pathname,
  require: 'best-effort',
})
try {
  const weights = join(folder, 'model.gguf')
  writeRandomLlama(weights, LLAMA_SHAPES[values.shape as keyof typeof LLAMA_SHAPES])
  const manifest = createModelManifest({
    id: 'bench',
    task: 'text-generation',
    engine: 'gguf',
    files: [
      { name: 'model.gguf', sha256: await sha256Of(weights), size: statSync(weights).size, role: 'weights' },
    ],
  })
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest))
  const sealed = join(folder, 'model.sealed')
  const { statement, contentKey } = await seal(manifest, weights, sealed)
  const server = await serve(sealed)
  const registry = createRegistry(server.url)
  const loads = {
    plain: async () => host.start(readModelDirectory(folder)),
    sealed: () =>
      loadOwnedModel(statement, {
        registry,
        host,
        contentKey: () => Promise.resolve(contentKey.slice()),
        claim: () => Promise.resolve(),
      }),
  }
  const times = { plain: [] as number[], sealed: [] as number[] }
  const cpu = { plain: [] as number[], sealed: [] as number[] }
  // Once each that is not counted: files come from the page cache afterwards, for both.
  for (let repeat = -1; repeat < Number(values.repeats); repeat++) {
    for (const name of ['plain', 'sealed'] as const) {
      const [started, before] = [performance.now(), cpuMs()]
      const engine = await loads[name]()
      const took = performance.now() - started
      // An engine's processor time is in the books once it has ended.
      await engine.close()
      if (repeat < 0) continue
      times[name].push(took)
      cpu[name].push(cpuMs() - before)
    }
  }
  server.close()
  const wall = { plain: spread(times.plain), sealed: spread(times.sealed) }
  const work = { plain: spread(cpu.plain), sealed: spread(cpu.sealed) }
  // The best of each: whatever else the machine does makes it only longer.
  const ratio = wall.sealed.min / wall.plain.min
  const cpuRatio = work.sealed.min / work.plain.min
  const megabytes = statement.bytes / 1e6
  if (values.json) console.log(JSON.stringify({ megabytes, wall, work, ratio, cpuRatio, limit: LIMIT }))
  else {
    console.log(`file         ${megabytes.toFixed(0)} MB`)
    for (const name of ['plain', 'sealed'] as const)
      console.log(`${name.padEnd(12)} ${show(wall[name], 'ms', 0)}; processor ${show(work[name], 'ms', 0)}`)
    console.log(`ratio        ${ratio.toFixed(2)} of time, ${cpuRatio.toFixed(2)} of processor time`)
    console.log(gate(ratio, LIMIT, '×'))
  }
} finally {
  await host.close()
  rmSync(folder, { recursive: true, force: true })
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file, { highWaterMark: 2 ** 20 }), hash)
  return hash.digest('hex')
}

async function seal(
  manifest: ModelManifest,
  weights: string,
  sealed: string,
): Promise<{ statement: ModelStatement; contentKey: Uint8Array }> {
  const contentKey = crypto.randomBytes(32)
  const artifact = sealArtifact({
    contentKey,
    plaintextBytes: statSync(weights).size,
    source: createReadStream(weights, { highWaterMark: 2 ** 20 }),
    metadata: JSON.stringify(manifest),
  })
  await pipeline(artifact.sealed, createWriteStream(sealed))
  const statement: ModelStatement = {
    format: 'sotto-model-statement/1',
    genesis: '00'.repeat(32),
    owner: '',
    name: 'bench',
    version: 1,
    artifact: artifact.id,
    digest: await sha256Of(sealed),
    bytes: statSync(sealed).size,
    model: manifest.digest,
    task: manifest.task,
    policy: '00'.repeat(32),
    createdAt: 1,
  }
  return { statement, contentKey }
}

/** Answers ranges of a file as the registry does, from a process of its own: its work is not the enclave's. */
async function serve(file: string): Promise<{ url: string; close(): void }> {
  const program = `
    const fs = require('node:fs'), bytes = fs.statSync(process.argv[1]).size
    const server = require('node:http').createServer((request, response) => {
      const [, start, end] = /^bytes=(\\d+)-(\\d+)$/.exec(request.headers.range)
      response.writeHead(206, { 'content-length': end - start + 1 })
      fs.createReadStream(process.argv[1], { start: +start, end: +end, highWaterMark: 2 ** 20 }).pipe(response)
    })
    server.listen(0, '127.0.0.1', () => console.log(server.address().port))`
  const child = spawn(process.execPath, ['-e', program, file], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [port] = (await once(child.stdout, 'data')) as [Buffer]
  return { url: `http://127.0.0.1:${port.toString().trim()}`, close: () => void child.kill() }
}

/** Processor time of this process and of those it started that have ended, milliseconds. */
function cpuMs(): number {
  const stat = readFileSync('/proc/self/stat', 'latin1')
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  // utime, stime, cutime and cstime (proc_pid_stat(5)), in hundredths of a second.
  return fields.slice(11, 15).reduce((sum, ticks) => sum + ticks, 0) * 10
}
