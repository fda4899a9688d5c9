import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { crypto } from '@sotto/protocol/crypto-backend'
import { verifyFamily } from '@sotto/verifier/appraisal'
import { choosePieces, type Family } from '@sotto/verifier/family'
import { buildPeers, type Peer } from './support/evidence-peers.ts'
import { describeNoise, measureNoise } from './support/noise.ts'

/**
 * CPU time from the bytes of evidence and collateral to a verdict, for each family, beside peers in the
 * same run: the JavaScript port of dcap-qvl, and go-sev-guest and dcap-qvl (Rust), built from their
 * registries where their tools are there. `--check` exits with 1 when a gate is missed.
 */
const USAGE = `Usage: npm run bench -- verify-evidence [--seconds N] [--no-peers] [--check] [--json]`

/** Vectors that are measured: a family, what its pieces must be, and the gate in milliseconds (times in browsers are reported only). */
const CASES: readonly { name: string; family: Family; needs: RegExp; gateMs: number }[] = [
  { name: 'SEV-SNP, report with VCEK and chain', family: 'sev-snp', needs: /milan-v2$/, gateMs: 2 },
  { name: 'TDX, full collateral', family: 'tdx', needs: /tdx-v4-uptodate$/, gateMs: 4 },
  { name: 'SGX, full collateral', family: 'sgx', needs: /confswhardening$/, gateMs: 4 },
  { name: 'AWS Nitro', family: 'nitro', needs: /evervault-valid$/, gateMs: 5 },
  { name: 'NVIDIA GPU with both RIMs', family: 'nvidia', needs: /h100-550\.90\.07-full$/, gateMs: 25 },
]
const ROUNDS = 9

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '0.4' },
    'no-peers': { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
process.exitCode = await main()

/** One line of the result. */
interface Row {
  name: string
  cpuMs: number
  firstMs: number
  gateMs: number
  peers: Record<string, number>
  isPassed: boolean
}

async function main(): Promise<number> {
  if (values.help) {
    console.log(USAGE)
    return 0
  }
  const vectors = join(
    process.env['SOTTO_VECTORS'] ?? resolve(import.meta.dirname, '../../shared/vectors'),
    'attestation',
  )
  if (!values.json) console.log(describeNoise('before', await measureNoise()))
  const peers = values['no-peers'] ? [] : buildPeers((reason) => console.error(`note: ${reason}`))
  const rows = CASES.flatMap(({ name, family, needs, gateMs }) => {
    const folder = foldersOf(join(vectors, family)).find(
      (path) => needs.test(path) && !path.includes('mutations'),
    )
    if (folder !== undefined) return [measure(name, folder, gateMs, peers)]
    console.error(`note: ${name}: no vector in ${vectors}`)
    return []
  })
  if (values.json) console.log(JSON.stringify(rows, null, 1))
  else for (const row of rows) print(row)
  if (!values.json) console.log(describeNoise('after', await measureNoise()))
  return rows.length === 0 || (values.check && rows.some(({ isPassed }) => !isPassed)) ? 1 : 0
}

function measure(name: string, folder: string, gateMs: number, peers: readonly Peer[]): Row {
  const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as {
    files: string[]
    verify_at: string
  }
  const pieces = Object.fromEntries(
    expected.files.map((file) => [file, new Uint8Array(readFileSync(join(folder, file)))]),
  )
  const { family, evidence, collateral } = choosePieces(pieces)!
  const at = Date.parse(expected.verify_at) / 1000
  const once = (): void => {
    // A verdict on other evidence each time: nothing that is remembered about one may speed up the next.
    if (!verifyFamily(family, { evidence: evidence.slice(), collateral, at }).authentic)
      throw new Error(`${name}: genuine evidence was not authentic`)
  }
  const start = performance.now()
  once()
  const firstMs = performance.now() - start
  for (const end = performance.now() + 1000; performance.now() < end;) once()
  const cpu = Array.from({ length: ROUNDS }, () => cpuMs(once, Number(values.seconds) / ROUNDS))
  const best = Math.min(...cpu)
  const beside: Record<string, number> = {}
  for (const peer of peers) {
    const found = peer.measure(family, folder, at, Number(values.seconds))
    if (found !== undefined) beside[peer.name] = found
  }
  return {
    name,
    cpuMs: best,
    firstMs,
    gateMs,
    peers: beside,
    isPassed: best <= gateMs || crypto.name !== 'node',
  }
}

function cpuMs(run: () => void, seconds: number): number {
  const start = process.cpuUsage()
  for (let count = 1; ; count++) {
    run()
    const { user, system } = process.cpuUsage(start)
    if (user + system >= seconds * 1e6) return (user + system) / 1000 / count
  }
}

function print({ name, cpuMs: cpu, firstMs, gateMs, peers, isPassed }: Row): void {
  const gate = `gate ${gateMs} ms: ${isPassed ? 'holds' : 'DOES NOT HOLD'}`
  console.log(
    `${name.padEnd(38)} ${cpu.toFixed(2).padStart(6)} ms  ${gate}  (the very first ${firstMs.toFixed(1)} ms)`,
  )
  for (const [peer, ms] of Object.entries(peers))
    console.log(`  ${peer.padEnd(36)} ${ms.toFixed(2).padStart(6)} ms  ${(ms / cpu).toFixed(2)} times ours`)
}

function foldersOf(root: string): string[] {
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' })
  return names.map((name) => join(root, name)).filter((path) => statSync(path).isDirectory())
}
