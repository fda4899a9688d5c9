import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Family } from '@sotto/verifier/family'

const SOURCES = resolve(import.meta.dirname, '../peers')
/** Where peers are built, once for all runs. Outside the checkout: they are no part of the product. */
const BUILT = join(tmpdir(), 'sotto-bench-peers')

/** Another verifier, built from its registry. */
export interface Peer {
  name: string
  /** Milliseconds of CPU for one verification; undefined where it does not do this family, or refuses the vector. */
  measure(family: Family, folder: string, at: number, seconds: number): number | undefined
}

/** Builds what can be built here. `onMissing` hears why something cannot. */
export function buildPeers(onMissing: (reason: string) => void): Peer[] {
  mkdirSync(BUILT, { recursive: true })
  const peers: Peer[] = []
  const js = prepare('js', onMissing, (folder) =>
    existsSync(join(folder, 'node_modules'))
      ? true
      : run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts'], folder),
  )
  if (js !== undefined)
    peers.push({
      name: '@phala/dcap-qvl 0.3.9 (JavaScript)',
      measure: (family, folder, at, seconds) =>
        isDcap(family)
          ? time(process.execPath, [
              join(js, 'main.mjs'),
              quote(folder),
              collateral(folder),
              `${at}`,
              `${seconds}`,
            ])
          : undefined,
    })
  const rust = prepare('rust', onMissing, (folder) => run('cargo', ['build', '--release', '--quiet'], folder))
  if (rust !== undefined)
    peers.push({
      name: 'dcap-qvl 0.3.12 (Rust, ring)',
      measure: (family, folder, at, seconds) =>
        isDcap(family)
          ? time(join(rust, 'target/release/peer'), [
              quote(folder),
              collateral(folder),
              `${at}`,
              `${seconds}`,
            ])
          : undefined,
    })
  const go = prepare('go', onMissing, (folder) => run('go', ['build', '-mod=mod', '-o', 'peer', '.'], folder))
  if (go !== undefined)
    peers.push({
      name: 'go-sev-guest 0.15, go-tdx-guest 0.3.1',
      measure(family, folder, at, seconds) {
        const file = (name: string): string => join(folder, name)
        if (family === 'sev-snp') {
          const args = [
            'snp',
            file('report.bin'),
            file('leaf.der'),
            file('ask_ark.pem'),
            `${at}`,
            `${seconds}`,
          ]
          return time(join(go, 'peer'), args)
        }
        return family === 'tdx'
          ? time(join(go, 'peer'), ['tdx', quote(folder), collateral(folder), `${at}`, `${seconds}`])
          : undefined
      },
    })
  return peers
}

const isDcap = (family: Family): boolean => family === 'tdx' || family === 'sgx'
const quote = (folder: string): string => join(folder, 'quote.bin')
const collateral = (folder: string): string => join(folder, 'collateral.json')

function prepare(
  name: string,
  onMissing: (reason: string) => void,
  build: (folder: string) => boolean,
): string | undefined {
  const folder = join(BUILT, name)
  cpSync(join(SOURCES, name), folder, { recursive: true })
  if (build(folder)) return folder
  onMissing(`the ${name} peer cannot be built here (bench/peers/${name})`)
  return undefined
}

function run(command: string, args: readonly string[], cwd: string): boolean {
  return spawnSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'ignore'] }).status === 0
}

function time(command: string, args: readonly string[]): number | undefined {
  const { stdout, status } = spawnSync(command, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return status === 0 ? (JSON.parse(stdout) as { microseconds: number }).microseconds / 1000 : undefined
}
