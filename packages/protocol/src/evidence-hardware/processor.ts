import type { HardwareFiles, HardwareFinding } from './types.ts'

/** configfs-tsm of Linux 6.7 and later, common to all processors. */
const TSM = '/sys/kernel/config/tsm/report'

/** A processor whose guests get reports through a device of their own, or configfs-tsm. */
interface Processor {
  source: 'sev-snp' | 'tdx'
  title: string
  device: string
  /** Driver of the device. */
  module: string
  /** Flags in `/proc/cpuinfo` that only guests of the technology have. */
  guestFlags: readonly string[]
  /** Parameter of KVM that says that this is a host of such guests. */
  hostParameter: string
}

const PROCESSORS: readonly Processor[] = [
  {
    source: 'sev-snp',
    title: 'AMD SEV-SNP guest',
    device: '/dev/sev-guest',
    module: 'sev-guest',
    guestFlags: ['sev_snp_guest'],
    hostParameter: '/sys/module/kvm_amd/parameters/sev_snp',
  },
  {
    source: 'tdx',
    title: 'Intel TDX guest',
    device: '/dev/tdx_guest',
    module: 'tdx-guest',
    guestFlags: ['tdx_guest'],
    hostParameter: '/sys/module/kvm_intel/parameters/tdx',
  },
]

/** Whether this is a guest of SEV-SNP or TDX that can ask for reports. */
export function detectProcessors(files: HardwareFiles): Promise<HardwareFinding[]> {
  return Promise.all(PROCESSORS.map((processor) => detectProcessor(files, processor)))
}

async function detectProcessor(files: HardwareFiles, processor: Processor): Promise<HardwareFinding> {
  const { source, title, device, module, guestFlags, hostParameter } = processor
  const finding = (status: HardwareFinding['status'], why: string, fix?: string): HardwareFinding => ({
    source,
    title,
    status,
    why,
    ...(fix !== undefined && { fix }),
  })
  const [hasDevice, reports, flags] = await Promise.all([
    files.exists(device),
    files.access(TSM),
    cpuFlags(files),
  ])
  const isGuest = hasDevice || guestFlags.some((flag) => flags.has(flag))
  if (!isGuest) {
    const isHost = /^[Y1]/.test((await files.readText(hostParameter)) ?? '')
    if (isHost) return finding('absent', 'this machine starts such guests, it is none itself')
    return finding('absent', `there is no ${device}`)
  }
  if (reports === undefined) {
    if (!hasDevice)
      return finding(
        'blocked',
        `the driver ${module} is not loaded`,
        `modprobe ${module}; it needs Linux 6.7 or later`,
      )
    const mount = 'mount -t configfs none /sys/kernel/config; Linux 6.7 or later has tsm there'
    return finding('blocked', `there is ${device}, and no configfs-tsm`, mount)
  }
  if (!reports.write)
    return finding('blocked', 'only root may ask for reports', `run as root: it must write to ${TSM}`)
  if (!hasDevice) return finding('blocked', `the driver ${module} is not loaded`, `modprobe ${module}`)
  return finding('ready', `reports through ${TSM}`)
}

async function cpuFlags(files: HardwareFiles): Promise<ReadonlySet<string>> {
  const text = (await files.readText('/proc/cpuinfo')) ?? ''
  const line = text.split('\n').find((candidate) => candidate.startsWith('flags'))
  return new Set(
    line
      ?.slice(line.indexOf(':') + 1)
      .trim()
      .split(' '),
  )
}
