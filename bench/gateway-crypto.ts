import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { concat } from '@sotto/protocol/bytes'
import { HPKE_AEAD, HPKE_KDF, HPKE_KEM, kemById } from '@sotto/protocol/hpke'
import { OhttpClientKey, OhttpGatewayKey, OhttpRequestOpener } from '@sotto/protocol/ohttp'

/**
 * CPU time of a gateway's cryptography for one exchange (decapsulate, open, seal the response), beside
 * the same work in C on libcrypto. `--check` exits with 1 when a gate is missed.
 *
 * Each measurement runs in a process of its own, with the environment that gateways are started with:
 * glibc otherwise gives freed memory back at every garbage collection and maps it again, which costs
 * a third of the time at 25 MiB.
 */
const GATEWAY_ENVIRONMENT = { MALLOC_TRIM_THRESHOLD_: String(128 * 2 ** 20) }

const GATES = {
  /** Times the CPU of C, at 1 KiB and at 25 MiB. */
  small: 1.7,
  large: 1.9,
  /** Milliseconds of CPU for one X-Wing encapsulation or decapsulation. */
  xWing: 0.25,
}
const SMALL_BYTES = 1024
const LARGE_BYTES = 25 * 2 ** 20
const ROUNDS = 5

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '1' },
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

process.exitCode = values.measure === undefined ? main() : measureHere(values.measure)

function measureHere(name: string): number {
  console.log(JSON.stringify(cpuMicroseconds(OPERATIONS[name]!())))
  return 0
}

function measure(name: string): number {
  const args = [import.meta.filename, '--measure', name, '--seconds', String(seconds)]
  const env = { ...process.env, ...GATEWAY_ENVIRONMENT }
  const { stdout } = spawnSync(process.execPath, args, {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return JSON.parse(stdout) as number
}

function main(): number {
  const directory = mkdtempSync(join(tmpdir(), 'sotto-bench-'))
  try {
    const program = compile(directory)
    const rows = [
      compared('1 KiB exchange', program, SMALL_BYTES, GATES.small),
      compared('25 MiB exchange', program, LARGE_BYTES, GATES.large),
      compared('25 MiB chunked', program, LARGE_BYTES, Infinity),
      timed('X-Wing encapsulate', GATES.xWing * 1000),
      timed('X-Wing decapsulate', GATES.xWing * 1000),
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
  isPassed: boolean
  text: string
}

/** Best of a few rounds, alternating with C, so that a busy machine disturbs both alike. */
function compared(name: string, program: string | undefined, bytes: number, gate: number): Row {
  let ours = Infinity
  let floor = Infinity
  for (let round = 0; round < ROUNDS; round++) {
    ours = Math.min(ours, measure(name))
    if (program !== undefined) floor = Math.min(floor, runC(program, bytes))
  }
  const start = `${name.padEnd(20)} ${ours.toFixed(1).padStart(10)} µs`
  if (program === undefined) {
    return { name, cpuMicroseconds: ours, isPassed: false, text: `${start}  (no C compiler with libcrypto)` }
  }
  const ratio = ours / floor
  return {
    name,
    cpuMicroseconds: ours,
    floorMicroseconds: floor,
    ratio,
    isPassed: ratio <= gate,
    text: `${start}  C ${floor.toFixed(1).padStart(10)} µs  ${ratio.toFixed(2)}x${gate === Infinity ? '' : `  gate ${gate}x`}`,
  }
}

/** Receives requests that were sealed before, each under its own key, and answers with as many bytes. */
function gatewayExchange(bytes: number, isChunked: boolean): () => void {
  const key = new OhttpGatewayKey(1, kemById(suite.kemId).generate(), [suite])
  const client = new OhttpClientKey(key.config, suite)
  const body = new Uint8Array(bytes)
  const requests = Array.from({ length: bytes > 2 ** 20 ? 2 : 256 }, () =>
    concat(...client.request({ isChunked }).end(body)),
  )
  let index = 0
  return () => {
    const opener = new OhttpRequestOpener({ isChunked, findKey: () => key })
    opener.push(requests[index++ % requests.length]!)
    opener.finish()
    opener.respond().end(body)
  }
}

function xWing(): Record<'encapsulate' | 'decapsulate', () => unknown> {
  const kem = kemById(HPKE_KEM.X_WING)
  const key = kem.generate()
  const publicKey = kem.importPublic(key.publicKey)
  const { enc } = publicKey.encap()
  return { encapsulate: () => publicKey.encap(), decapsulate: () => key.decap(enc) }
}

function timed(name: string, gate: number): Row {
  const cpu = Math.min(...Array.from({ length: ROUNDS }, () => measure(name)))
  const text = `${name.padEnd(20)} ${cpu.toFixed(1).padStart(10)} µs  gate ${gate} µs`
  return { name, cpuMicroseconds: cpu, isPassed: cpu <= gate, text }
}

/** Asks for the CPU time once per batch, because asking takes several microseconds itself. */
function cpuMicroseconds(run: () => unknown): number {
  let batch = 1
  for (const warmUp = performance.now() + 300; performance.now() < warmUp; batch++) run()
  batch = Math.ceil(batch / 30)
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
