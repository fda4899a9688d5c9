import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Family } from '@sotto/verifier/family'

const SOURCES = resolve(import.meta.dirname, '../peers')
/** Where peers are built, once for all runs. Outside the checkout: they are no part of the product. */
const BUILT = join(tmpdir(), 'sotto-bench-peers')

/** Which peer; the versions are those of its lock file. */
export type PeerName = 'js' | 'rust' | 'go'

/** Another verifier, built from its registry. */
export interface Peer {
  id: PeerName
  name: string
  /** Files of a vector that it takes; undefined where it does not do the family. */
  files(family: Family): readonly string[] | undefined
  /** Whether it accepts what a folder holds. */
  accepts(family: Family, folder: string, at: number): boolean
  /** Milliseconds of CPU for one verification, in a process of its own; undefined where it refuses the vector. */
  measure?(family: Family, folder: string, at: number, seconds: number): number | undefined
  /** One verification in this process, so that rounds can alternate. */
  prepare?(folder: string, at: number): Promise<() => Promise<unknown>>
}

const QUOTE = ['quote.bin', 'collateral.json']
const REPORT = ['report.bin', 'leaf.der', 'ask_ark.pem']

/** Builds what can be built here. `onMissing` hears why something cannot. */
export function buildPeers(onMissing: (reason: string) => void): Peer[] {
  mkdirSync(BUILT, { recursive: true })
  const peers: Peer[] = []
  const js = prepare('js', onMissing, (folder) =>
    existsSync(join(folder, 'node_modules'))
      ? true
      : run('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], folder),
  )
  if (js !== undefined) peers.push(jsPeer(join(js, 'main.mjs')))
  const rust = prepare('rust', onMissing, (folder) =>
    run('cargo', ['build', '--release', '--locked', '--quiet'], folder),
  )
  if (rust !== undefined) peers.push(rustPeer(join(rust, 'target/release/peer')))
  const go = prepare('go', onMissing, (folder) =>
    run('go', ['build', '-mod=readonly', '-o', 'peer', '.'], folder),
  )
  if (go !== undefined) peers.push(goPeer(join(go, 'peer')))
  return peers
}

function jsPeer(main: string): Peer {
  return {
    id: 'js',
    name: '@phala/dcap-qvl 0.3.9 (JavaScript)',
    files: (family) => (isDcap(family) ? QUOTE : undefined),
    accepts: (_, folder, at) =>
      spawn(process.execPath, [main, ...paths(folder, QUOTE), `${at}`]).status === 0,
    async prepare(folder, at) {
      const { prepare } = (await import(main)) as {
        prepare(quote: string, collateral: string, at: number): () => Promise<unknown>
      }
      const [quote, collateral] = paths(folder, QUOTE) as [string, string]
      return prepare(quote, collateral, at)
    },
  }
}

function rustPeer(command: string): Peer {
  const args = (folder: string, at: number, seconds: number): string[] => [
    ...paths(folder, QUOTE),
    `${at}`,
    `${seconds}`,
  ]
  return {
    id: 'rust',
    name: 'dcap-qvl 0.3.12 (Rust, ring)',
    files: (family) => (isDcap(family) ? QUOTE : undefined),
    accepts: (_, folder, at) => spawn(command, args(folder, at, 0)).status === 0,
    measure: (_, folder, at, seconds) => time(command, args(folder, at, seconds)),
  }
}

function goPeer(command: string): Peer {
  const files = (family: Family): readonly string[] | undefined =>
    family === 'sev-snp' ? REPORT : family === 'tdx' ? QUOTE : undefined
  const args = (family: Family, folder: string, at: number, seconds: number): string[] => [
    family === 'tdx' ? 'tdx' : 'snp',
    ...paths(folder, files(family)!),
    `${at}`,
    `${seconds}`,
  ]
  return {
    id: 'go',
    name: 'go-sev-guest 0.15, go-tdx-guest 0.3.1',
    files,
    accepts: (family, folder, at) => spawn(command, args(family, folder, at, 0)).status === 0,
    measure: (family, folder, at, seconds) => time(command, args(family, folder, at, seconds)),
  }
}

const isDcap = (family: Family): boolean => family === 'tdx' || family === 'sgx'
const paths = (folder: string, files: readonly string[]): string[] => files.map((file) => join(folder, file))

function prepare(
  name: PeerName,
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
  return spawnSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] }).status === 0
}

function spawn(command: string, args: readonly string[]): { stdout: string; status: number | null } {
  return spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
}

function time(command: string, args: readonly string[]): number | undefined {
  const { stdout, status } = spawn(command, args)
  // go-tdx-guest writes warnings before it.
  const result = stdout.trimEnd().split('\n').at(-1)!
  return status === 0 ? (JSON.parse(result) as { microseconds: number }).microseconds / 1000 : undefined
}
