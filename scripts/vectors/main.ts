import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { crypto } from '@sotto/protocol/crypto-backend'
import { families } from './families.ts'
import { type FileReport, runFamily } from './harness.ts'
import { printReports } from './print.ts'

const USAGE = `Usage: npm run vectors -- [options]

Runs every case of every file of test vectors and prints passed/total for each file.
Exits with 1 when a case fails, a file is not understood, or a folder has no cases.

Options:
  --backend <name>   node, browser, or both (default)
  --family <folder>  only the folder whose path ends so, for example hpke
  --json             print one JSON document
  --help             print this text

Environment:
  SOTTO_VECTORS      folder of the vectors (default: ../shared/vectors)`

type Backend = 'node' | 'browser'
type BackendReport = FileReport & { backend: Backend }

const { values } = parseArgs({
  options: {
    backend: { type: 'string', default: 'both' },
    family: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const chosen = families.filter(({ folder }) => folder.endsWith(values.family ?? ''))
process.exitCode = await main()

async function main(): Promise<number> {
  if (values.help) {
    console.log(USAGE)
    return 0
  }
  if (!['node', 'browser', 'both'].includes(values.backend)) {
    console.error(`error: unknown backend ${values.backend}\nhint: use node, browser or both`)
    return 1
  }
  const root = process.env['SOTTO_VECTORS'] ?? resolve(import.meta.dirname, '../../../shared/vectors')
  if (!existsSync(root)) {
    console.error(`error: no folder ${root}\nhint: set SOTTO_VECTORS to the folder of the vectors`)
    return 1
  }
  if (chosen.length === 0) {
    const folders = families.map((family) => family.folder).join(', ')
    console.error(`error: no family ${values.family}\nhint: use the end of one of ${folders}`)
    return 1
  }
  const backends: Backend[] = values.backend === 'both' ? ['node', 'browser'] : [values.backend as Backend]
  const reports: BackendReport[] = []
  for (const backend of backends) {
    reports.push(...(backend === crypto.name ? await runHere(root) : runInChild(backend)))
  }
  const isPassed = reports.length > 0 && reports.every((report) => report.failures.length === 0)
  if (values.json) console.log(JSON.stringify({ passed: isPassed, files: reports }, null, 1))
  else printReports(reports)
  return isPassed ? 0 : 1
}

async function runHere(root: string): Promise<BackendReport[]> {
  const reports: BackendReport[] = []
  for (const family of chosen) {
    if (family.isArithmetic === true && crypto.name !== 'node') {
      console.error(`note: ${family.folder} is arithmetic, and runs with --backend node`)
      continue
    }
    const isPresent = existsSync(join(root, family.folder))
    if (!isPresent && family.isOptional === true) {
      console.error(`note: no folder ${family.folder} in this set`)
      continue
    }
    const found = isPresent ? await runFamily(root, family) : []
    if (found.length === 0) found.push(emptyFolder(family.folder))
    reports.push(...found.map((report) => ({ ...report, backend: crypto.name })))
  }
  return reports
}

/** The backend is chosen by an import condition, so the other one needs its own process. */
function runInChild(backend: Backend): BackendReport[] {
  const condition = backend === 'browser' ? ['--conditions=browser'] : []
  const family = values.family === undefined ? [] : ['--family', values.family]
  const args = [...condition, import.meta.filename, '--backend', backend, '--json', ...family]
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 2 ** 28 })
  try {
    return (JSON.parse(stdout) as { files: BackendReport[] }).files
  } catch (cause) {
    throw new Error(`the ${backend} run failed: ${stderr}`, { cause })
  }
}

function emptyFolder(folder: string): FileReport {
  const failures = [{ name: folder, reason: 'no cases were found in this folder' }]
  return { folder, file: '(none)', passed: 0, byDesign: 0, total: 0, failures }
}
