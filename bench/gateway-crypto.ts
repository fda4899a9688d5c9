import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { concat } from '@sotto/protocol/bytes'
import { HPKE_AEAD, HPKE_KDF, HPKE_KEM, kemById } from '@sotto/protocol/hpke'
import { OhttpClientKey, OhttpGatewayKey, OhttpRequestOpener } from '@sotto/protocol/ohttp'
import { MEMORY_ENV, MEMORY_FLAGS } from '../packages/cli/src/stack/memory.ts'
import { median } from './support/stats.ts'

/**
 * CPU time of a gateway's cryptography for one exchange (decapsulate, open, seal the response), beside
 * the same work in C on libcrypto. `--check` exits with 1 when a gate is missed.
 *
 * Each measurement runs in a process of its own, with the environment and the arguments that gateways
 * are started with. Shared machines change their speed by half from one second to the next, so rounds
 * are short and many, alternating with C, and the best of each is compared; the middle of what the
 * rounds say one by one stands beside it.
 */

const GATES = {
  /** Times the CPU of C, at 1 KiB and at 25 MiB. */
  small: 1.7,
  large: 1.9,
  /** Milliseconds of CPU for one X-Wing encapsulation or decapsulation. */
  xWing: 0.25,
}
const SMALL_BYTES = 1024
const LARGE_BYTES = 25 * 2 ** 20
/** What a socket gives at once. */
const PIECE_BYTES = 64 * 1024
const ROUNDS = 12
/** V8 compiles what runs often, and a gateway has run. */
const WARM_UP_MS = 1500

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '0.25' },
    check: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    measure: { type: 'string' },
  },
})
const seconds = Number(values.seconds)
const suite = { kemId: HPKE_KEM.DHKEM_X25519, kdfId: HPKE_KDF.HKDF_SHA256, aeadId: HPKE_AEAD.AES_128_GCM }

/** What can be measured, by name. Values are set up only when they are used. */
const OPERATIONS: Record<string, () => () => unknown> = {
  '1 KiB exchange': () => gatewayExchange(SMALL_BYTES, false),
  '25 MiB exchange': () => gatewayExchange(LARGE_BYTES, false),
  '25 MiB chunked': () => gatewayExchange(LARGE_BYTES, true),
  'X-Wing encapsulate': () => xWing().encapsulate,
  'X-Wing decapsulate': () => xWing().decapsulate,
}

if (values.measure === undefined) process.exitCode = await main()
else measureOnRequest(OPERATIONS[values.measure]!())

/** Warms up, then measures once for every line that comes in: the process that is measured. */
function measureOnRequest(run: () => unknown): void {
  for (const end = performance.now() + WARM_UP_MS; performance.now() < end;) run()
  createInterface(process.stdin).on('line', () => console.log(cpuMicroseconds(run)))
}

/** The process that measures one operation, and what it is asked with. */
function startMeasuring(name: string): { next(): Promise<number>; stop(): void } {
  const args = [...MEMORY_FLAGS, import.meta.filename, '--measure', name, '--seconds', String(seconds)]
  const env = { ...process.env, ...MEMORY_ENV }
  const child = spawn(process.execPath, args, { env, stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  return {
    async next() {
      child.stdin.write('\n')
      const { value, done } = await lines.next()
      if (done) throw new Error(`the measurement of "${name}" ended`)
      return Number(value)
    },
    stop: () => child.stdin.end(),
  }
}

async function main(): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'sotto-bench-'))
  try {
    const program = compile(directory)
    const rows = [
      await compared('1 KiB exchange', program, SMALL_BYTES, GATES.small),
      await compared('25 MiB exchange', program, LARGE_BYTES, GATES.large),
      await compared('25 MiB chunked', program, LARGE_BYTES, Infinity),
      await timed('X-Wing encapsulate', GATES.xWing * 1000),
      await timed('X-Wing decapsulate', GATES.xWing * 1000),
    ]
    if (values.json) console.log(JSON.stringify(rows, null, 1))
    else for (const { text } of rows) console.log(text)
    return values.check && rows.some((one) => !one.isPassed) ? 1 : 0
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** The C program, undefined where there is no compiler or no libcrypto to build it with. */
function compile(directory: string): string | undefined {
  const program = join(directory, 'gateway-crypto')
  const source = join(import.meta.dirname, 'c/gateway-crypto.c')
  const flags = ['-O2', '-Wno-deprecated-declarations']
  const { status } = spawnSync('cc', [...flags, '-o', program, source, '-lcrypto'], { stdio: 'inherit' })
  return status === 0 ? program : undefined
}

interface Row {
  name: string
  cpuMicroseconds: number
  floorMicroseconds?: number
  ratio?: number
  middleRatio?: number
  isPassed: boolean
  text: string
}

/** Best of a few rounds, alternating with C, so that a busy machine disturbs both alike. */
async function compared(
  name: string,
  program: string | undefined,
  bytes: number,
  gate: number,
): Promise<Row> {
  const measuring = startMeasuring(name)
  let ours = Infinity
  let floor = Infinity
  const ratios: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const time = await measuring.next()
    ours = Math.min(ours, time)
    if (program === undefined) continue
    const timeInC = runC(program, bytes)
    floor = Math.min(floor, timeInC)
    ratios.push(time / timeInC)
  }
  measuring.stop()
  const start = `${name.padEnd(20)} ${ours.toFixed(1).padStart(10)} µs`
  if (program === undefined) {
    return { name, cpuMicroseconds: ours, isPassed: false, text: `${start}  (no C compiler with libcrypto)` }
  }
  const ratio = ours / floor
  const middleRatio = median(ratios)
  const columns = [
    `${start}  C ${floor.toFixed(1).padStart(10)} µs`,
    `${ratio.toFixed(2)}x`,
    gate === Infinity ? 'no gate  ' : `gate ${gate}x`,
    `middle of ${ROUNDS} rounds ${middleRatio.toFixed(2)}x`,
  ]
  const text = columns.join('  ')
  return {
    name,
    cpuMicroseconds: ours,
    floorMicroseconds: floor,
    ratio,
    middleRatio,
    isPassed: ratio <= gate,
    text,
  }
}

/**
 * Receives requests that were sealed before, each under its own key, and answers with as many bytes.
 * Chunked messages are passed on piece by piece, as they come from a socket; others are whole.
 */
function gatewayExchange(bytes: number, isChunked: boolean): () => void {
  const key = new OhttpGatewayKey(1, kemById(suite.kemId).generate(), [suite])
  const client = new OhttpClientKey(key.config, suite)
  const body = new Uint8Array(bytes)
  const requests = Array.from({ length: bytes > 2 ** 20 ? 2 : 256 }, () =>
    concat(...client.request({ isChunked }).end(body)),
  )
  const pieceBytes = isChunked ? PIECE_BYTES : Infinity
  let index = 0
  return () => {
    const opener = new OhttpRequestOpener({ isChunked, findKey: () => key })
    for (const piece of pieces(requests[index++ % requests.length]!, pieceBytes)) opener.push(piece)
    opener.finish()
    const sealer = opener.respond()
    if (isChunked) for (const piece of pieces(body, pieceBytes)) sealer.seal(piece)
    sealer.end(isChunked ? undefined : body)
  }
}

function* pieces(bytes: Uint8Array, length: number): Generator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += length) yield bytes.subarray(offset, offset + length)
}

function xWing(): Record<'encapsulate' | 'decapsulate', () => unknown> {
  const kem = kemById(HPKE_KEM.X_WING)
  const key = kem.generate()
  const publicKey = kem.importPublic(key.publicKey)
  const { enc } = publicKey.encap()
  return { encapsulate: () => publicKey.encap(), decapsulate: () => key.decap(enc) }
}

async function timed(name: string, gate: number): Promise<Row> {
  const measuring = startMeasuring(name)
  let cpu = Infinity
  for (let round = 0; round < ROUNDS; round++) cpu = Math.min(cpu, await measuring.next())
  measuring.stop()
  const text = `${name.padEnd(20)} ${cpu.toFixed(1).padStart(10)} µs  gate ${gate} µs`
  return { name, cpuMicroseconds: cpu, isPassed: cpu <= gate, text }
}

/** Asks for the CPU time once per batch of about a millisecond, because asking takes several microseconds itself. */
function cpuMicroseconds(run: () => unknown): number {
  let batch = 0
  for (const end = performance.now() + 1; performance.now() < end; batch++) run()
  const start = process.cpuUsage()
  for (let count = batch; ; count += batch) {
    for (let i = 0; i < batch; i++) run()
    const { user, system } = process.cpuUsage(start)
    if (user + system >= seconds * 1e6) return (user + system) / count
  }
}

function runC(program: string, bytes: number): number {
  const { stdout } = spawnSync(program, [String(bytes), String(seconds)], { encoding: 'utf8' })
  return (JSON.parse(stdout) as { cpuMicroseconds: number }).cpuMicroseconds
}
