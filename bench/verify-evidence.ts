import { parseArgs } from 'node:util'
import type { Family } from '@sotto/verifier/family'
import { measureInBrowser } from './support/evidence-browser.ts'
import type { PageTimes } from './support/evidence-page.ts'
import { buildPeers, type Peer } from './support/evidence-peers.ts'
import { verifyAgain, verifyFirst } from './support/evidence-runs.ts'
import { type EvidenceVector, readVector, vectorFolders, vectorRoot } from './support/evidence-vectors.ts'
import { compareVerdicts } from './support/evidence-verdicts.ts'
import { describeNoise, measureNoise } from './support/noise.ts'
import { median } from './support/stats.ts'

/**
 * CPU time from the bytes of evidence and collateral to a verdict, for each family, beside peers in the same run:
 * the JavaScript port of dcap-qvl, which alternates with ours in this process, and go-sev-guest, go-tdx-guest and
 * dcap-qvl (Rust), built from their registries where their tools are there. Then the same in Chromium.
 */
const USAGE = `Usage: npm run bench -- verify-evidence [--seconds N] [--rounds N] [--no-peers] [--no-browser] [--check] [--json]
       npm run bench -- verify-evidence --verdicts`

/** Vectors that are measured, the gate in milliseconds, and how many times slower the JavaScript port has to be. */
const CASES: readonly { name: string; family: Family; vector: RegExp; gateMs: number; goal?: number }[] = [
  {
    name: 'SEV-SNP, report with VCEK and chain',
    family: 'sev-snp',
    vector: /virtee__sev\/milan-v2$/,
    gateMs: 2,
  },
  { name: 'TDX, full collateral', family: 'tdx', vector: /tdx-v4-uptodate$/, gateMs: 4, goal: 4 },
  { name: 'TDX, another platform', family: 'tdx', vector: /tdx-v4-uptodate-20a06f$/, gateMs: 4, goal: 4 },
  { name: 'SGX, full collateral', family: 'sgx', vector: /confswhardening$/, gateMs: 4, goal: 4 },
  { name: 'AWS Nitro', family: 'nitro', vector: /evervault-valid$/, gateMs: 5 },
  { name: 'NVIDIA GPU with both RIMs', family: 'nvidia', vector: /h100-550\.90\.07-full$/, gateMs: 25 },
]
const WARM_UP_MS = 1000

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '0.4' },
    rounds: { type: 'string', default: '9' },
    'no-peers': { type: 'boolean', default: false },
    'no-browser': { type: 'boolean', default: false },
    verdicts: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
process.exitCode = await main()

/** One way to do the work: the best round, and how often ours fits into it. */
interface Figure {
  cpuMs: number
  /** Median over rounds of its time over ours in the same round: of a first verification, and of one again. */
  timesFirst?: number
  timesAgain?: number
}

/** One line of the result. */
interface Row {
  name: string
  gateMs: number
  goal?: number
  /** Milliseconds of wall time with nothing compiled. */
  veryFirstMs: number
  first: Figure
  again: Figure
  peers: Record<string, Figure>
  browser?: PageTimes
}

async function main(): Promise<number> {
  if (values.help) {
    console.log(USAGE)
    return 0
  }
  if (values.verdicts) return verdicts()
  if (!values.json) console.log(describeNoise('before', await measureNoise()))
  const peers = values['no-peers'] ? [] : buildPeers((reason) => console.error(`note: ${reason}`))
  const rows: Row[] = []
  const vectors: EvidenceVector[] = []
  for (const one of CASES) {
    const folder = vectorFolders(one.family, []).find((path) => one.vector.test(path))
    const vector = folder === undefined ? undefined : readVector(folder)
    if (vector === undefined) {
      console.error(`note: ${one.name}: no vector in ${vectorRoot()}`)
      continue
    }
    vectors.push(vector)
    rows.push(await measure(one, vector, peers))
  }
  if (!values['no-browser']) {
    const times = await measureInBrowser(vectors)
    if (times === undefined) console.error('note: no Chromium here (Debian package chromium)')
    times?.forEach((browser, i) => Object.assign(rows[i]!, { browser }))
  }
  if (values.json) console.log(JSON.stringify(rows, null, 1))
  else for (const row of rows) print(row)
  if (!values.json) console.log(describeNoise('after', await measureNoise()))
  return rows.length === 0 || (values.check && rows.some((row) => !isPassed(row))) ? 1 : 0
}

/** Interoperation alone, for machines whose times say nothing. Every peer must be there. */
function verdicts(): number {
  const missing: string[] = []
  const { compared, failures } = compareVerdicts(buildPeers((reason) => missing.push(reason)))
  for (const line of [...missing, ...failures]) console.error(line)
  console.log(`${compared} verdicts compared with other verifiers, ${failures.length} differ`)
  return compared === 0 || missing.length + failures.length > 0 ? 1 : 0
}

async function measure(
  { name, gateMs, goal }: (typeof CASES)[number],
  vector: EvidenceVector,
  peers: readonly Peer[],
): Promise<Row> {
  const { family, folder, at } = vector
  const ours = (verify: typeof verifyFirst) => () => {
    if (!verify(vector).authentic) throw new Error(`${name}: genuine evidence was not authentic`)
  }
  const start = performance.now()
  ours(verifyFirst)()
  const veryFirstMs = performance.now() - start
  const seconds = Number(values.seconds) / Number(values.rounds)
  const inProcess = new Map<string, () => unknown>([
    ['first', ours(verifyFirst)],
    ['again', ours(verifyAgain)],
  ])
  const apart: Peer[] = []
  for (const peer of peers) {
    const files = peer.files(family)
    if (files === undefined || !peer.accepts(family, folder, at)) continue
    if (peer.prepare) inProcess.set(peer.name, await peer.prepare(folder, at))
    else apart.push(peer)
  }
  for (const once of inProcess.values())
    for (const end = performance.now() + WARM_UP_MS; performance.now() < end;) await once()
  const times: Record<string, number[]> = {}
  // The machine changes its speed within a second: everybody runs in every round.
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [id, once] of inProcess) (times[id] ??= []).push(await cpuMs(once, seconds))
    for (const peer of apart) (times[peer.name] ??= []).push(peer.measure!(family, folder, at, seconds)!)
  }
  const { first, again, ...others } = times as { first: number[]; again: number[] }
  const figure = (all: readonly number[]): Figure => ({
    cpuMs: Math.min(...all),
    timesFirst: median(all.map((ms, round) => ms / first[round]!)),
    timesAgain: median(all.map((ms, round) => ms / again[round]!)),
  })
  return {
    name,
    gateMs,
    ...(goal !== undefined && { goal }),
    veryFirstMs,
    first: { cpuMs: Math.min(...first) },
    again: { cpuMs: Math.min(...again) },
    peers: Object.fromEntries(Object.entries(others).map(([id, all]) => [id, figure(all as number[])])),
  }
}

async function cpuMs(run: () => unknown, seconds: number): Promise<number> {
  // What ran before in this round may have forgotten everything, and has filled the caches of the processor.
  await run()
  const start = process.cpuUsage()
  for (let count = 1; ; count++) {
    await run()
    const { user, system } = process.cpuUsage(start)
    if (user + system >= seconds * 1e6) return (user + system) / 1000 / count
  }
}

/** A server meets the same authorities and collateral again and again: its time is the one that has a gate. */
function isPassed({ again, gateMs, goal, peers }: Row): boolean {
  const port = Object.entries(peers).find(([peer]) => peer.includes('JavaScript'))?.[1]
  return again.cpuMs <= gateMs && (goal === undefined || port === undefined || port.timesAgain! >= goal)
}

function print(row: Row): void {
  const { name, gateMs, goal, veryFirstMs, first, again, peers, browser } = row
  const holds = (ms: number): string => `${ms.toFixed(2).padStart(6)} ms (${ms <= gateMs ? 'holds' : 'OVER'})`
  console.log(
    `${name.padEnd(38)} gate ${gateMs} ms: again ${holds(again.cpuMs)}, first ${holds(first.cpuMs)}, the very first ${veryFirstMs.toFixed(0)} ms`,
  )
  for (const [peer, { cpuMs: ms, timesFirst, timesAgain }] of Object.entries(peers)) {
    const goalText =
      goal !== undefined && peer.includes('JavaScript')
        ? `; goal ${goal} x: ${timesAgain! >= goal ? 'holds' : 'MISSED'}, first ${timesFirst! >= goal ? 'holds' : 'MISSED'}`
        : ''
    console.log(
      `  ${peer.padEnd(36)} ${ms.toFixed(2).padStart(6)} ms: ${timesAgain!.toFixed(2)} x ours again, ${timesFirst!.toFixed(2)} x ours first${goalText}`,
    )
  }
  if (browser)
    console.log(
      `  ${'in Chromium, wall time'.padEnd(36)} ${median(browser.again).toFixed(1).padStart(6)} ms again, ${median(browser.first).toFixed(1)} ms first, ${browser.very.toFixed(0)} ms the very first`,
    )
}
