import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { availableParallelism, totalmem } from 'node:os'
import { formatBytes } from '../terminal/index.ts'

/** One thing this machine has or lacks. `broken` is what must be fixed before Sotto works here. */
export interface Finding {
  name: string
  status: 'ok' | 'absent' | 'broken'
  found: string
}

/** What {@link machineFindings} looks at, so that tests can describe another machine. */
export interface Machine {
  nodeVersion: string
  platform: string
  arch: string
  cores: number
  memoryBytes: number
  exists(path: string): boolean
  /** Content of a file; undefined when it cannot be read. */
  read(path: string): Promise<string | undefined>
}

/** The machine this process runs on. */
export function thisMachine(): Machine {
  return {
    nodeVersion: process.versions.node,
    platform: process.platform,
    arch: process.arch,
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    exists: existsSync,
    read: (path) => readFile(path, 'utf8').catch(() => undefined),
  }
}

/** Oldest Node with everything the code uses (native ML-KEM, type stripping). */
const MIN_NODE_MAJOR = 24

/** Guest devices through which a confidential machine gets its reports. */
const TEE_DEVICES: readonly (readonly [path: string, name: string])[] = [
  ['/dev/sev-guest', 'AMD SEV-SNP guest'],
  ['/dev/tdx_guest', 'Intel TDX guest'],
  ['/dev/sgx_enclave', 'Intel SGX'],
  ['/dev/nsm', 'AWS Nitro enclave'],
]

/** What the machine is and has. */
export async function machineFindings(machine: Machine): Promise<Finding[]> {
  const major = Number(machine.nodeVersion.split('.')[0])
  const devices = TEE_DEVICES.filter(([path]) => machine.exists(path)).map(([, name]) => name)
  const swap = await swapOf(machine)
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
      name: 'confidential hardware',
      status: devices.length > 0 ? 'ok' : 'absent',
      found:
        devices.join(', ') ||
        'none: sotto up uses the software TEE, which protects from nobody who owns this machine',
    },
    {
      name: 'swap',
      status: swap === undefined ? 'absent' : 'ok',
      found: swap === undefined ? 'unknown' : swap ? 'on: an enclave on hardware refuses to start' : 'off',
    },
    {
      name: 'nvidia gpu',
      status: machine.exists('/dev/nvidiactl') ? 'ok' : 'absent',
      found: machine.exists('/dev/nvidiactl') ? 'present' : 'none',
    },
  ]
}

async function swapOf(machine: Machine): Promise<boolean | undefined> {
  const text = await machine.read('/proc/swaps')
  return text === undefined ? undefined : text.trim().split('\n').length > 1
}
