import { availableParallelism, totalmem } from 'node:os'
import type { HardwareFiles } from '@sotto/protocol/evidence-hardware'
import { formatBytes } from '../terminal/index.ts'
import type { Finding } from './finding.ts'
import { hardwareFiles } from './hardware-files.ts'
import { hardwareFindings } from './hardware.ts'

/** What {@link machineFindings} looks at, so that tests can describe another machine. */
export interface Machine {
  nodeVersion: string
  platform: string
  arch: string
  cores: number
  memoryBytes: number
  files: HardwareFiles
}

/** The machine this process runs on; with another root, its files are those below it. */
export function thisMachine(root: string = '/'): Machine {
  return {
    nodeVersion: process.versions.node,
    platform: process.platform,
    arch: process.arch,
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    files: hardwareFiles(root),
  }
}

/** Oldest Node with everything the code uses (native ML-KEM, type stripping). */
const MIN_NODE_MAJOR = 24

/** What the machine is and has. */
export async function machineFindings(machine: Machine): Promise<Finding[]> {
  const major = Number(machine.nodeVersion.split('.')[0])
  const swap = await swapOf(machine.files)
  return [
    {
      name: 'node',
      status: major >= MIN_NODE_MAJOR ? 'ok' : 'broken',
      found: `${machine.nodeVersion} (needs ${MIN_NODE_MAJOR} or newer)`,
    },
    {
      name: 'platform',
      status: machine.platform === 'linux' ? 'ok' : 'absent',
      found: `${machine.platform} ${machine.arch}${machine.platform === 'linux' ? '' : '; enclaves and sotto up need Linux'}`,
    },
    { name: 'cores', status: 'ok', found: String(machine.cores) },
    { name: 'memory', status: 'ok', found: formatBytes(machine.memoryBytes) },
    {
      name: 'swap',
      status: swap === undefined ? 'absent' : 'ok',
      found: swap === undefined ? 'unknown' : swap ? 'on: an enclave on hardware refuses to start' : 'off',
    },
    ...(await hardwareFindings(machine.files)),
  ]
}

async function swapOf(files: HardwareFiles): Promise<boolean | undefined> {
  const text = await files.readText('/proc/swaps')
  return text === undefined ? undefined : text.trim().split('\n').length > 1
}
