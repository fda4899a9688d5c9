import { describe, expect, it } from 'vitest'
import {
  detectHardware,
  type HardwareFiles,
  type HardwareFinding,
  type HardwareSource,
} from '@sotto/protocol/evidence-hardware'

/** A machine with these files; a value of `denied` is a file that this process may not use. */
function machine(files: Record<string, string>): HardwareFiles {
  const has = (path: string): boolean => Object.hasOwn(files, path)
  return {
    exists: async (path) => has(path),
    readText: async (path) => (has(path) && files[path] !== 'denied' ? files[path] : undefined),
    access: async (path) => {
      const may = has(path) && files[path] !== 'denied'
      return has(path) ? { read: may, write: may } : undefined
    },
  }
}

async function find(source: HardwareSource, files: Record<string, string>): Promise<HardwareFinding> {
  const found = await detectHardware(machine(files))
  return found.find((finding) => finding.source === source)!
}

const TSM = '/sys/kernel/config/tsm/report'
const AZURE = { '/sys/class/dmi/id/chassis_asset_tag': '7783-7084-3265-9085-8269-3286-77\n' }
const cpu = (flags: string): Record<string, string> => ({
  '/proc/cpuinfo': `processor\t: 0\nflags\t\t: fpu ${flags} sse\n`,
})

describe('a machine', () => {
  it('without anything has nothing, and every source says why', async () => {
    const found = await detectHardware(machine({}))
    expect(found.map(({ source }) => source)).toEqual([
      'sev-snp',
      'tdx',
      'azure-cvm',
      'sgx',
      'nitro',
      'nvidia',
    ])
    for (const { status, why, title, fix } of found) {
      expect(status).toBe('absent')
      expect(why).toMatch(/^[^.]+$/)
      expect(title).not.toBe('')
      expect(fix).toBeUndefined()
    }
  })

  it.each<[string, HardwareSource, Record<string, string>]>([
    ['an SNP guest', 'sev-snp', { '/dev/sev-guest': '', [TSM]: '' }],
    ['a TDX guest', 'tdx', { '/dev/tdx_guest': '', [TSM]: '', ...cpu('tdx_guest') }],
    ['an Azure confidential VM', 'azure-cvm', { ...AZURE, '/dev/tpmrm0': '' }],
    ['a Gramine enclave', 'sgx', { '/dev/attestation/attestation_type': 'dcap\n' }],
    ['a Nitro enclave', 'nitro', { '/dev/nsm': '' }],
    ['a machine with a GPU', 'nvidia', { '/proc/driver/nvidia/version': 'NVRM 590', '/dev/nvidiactl': '' }],
  ])('that is %s is ready', async (_what, source, files) => {
    await expect(find(source, files)).resolves.toMatchObject({ status: 'ready' })
  })

  it.each<[string, HardwareSource, Record<string, string>, RegExp]>([
    ['an SNP guest without its driver', 'sev-snp', cpu('sev_snp_guest'), /modprobe sev-guest/],
    ['a TDX guest without its driver', 'tdx', { ...cpu('tdx_guest'), [TSM]: '' }, /modprobe tdx-guest/],
    ['an SNP guest without configfs', 'sev-snp', { '/dev/sev-guest': '' }, /mount -t configfs/],
    [
      'an SNP guest whose reports are for root',
      'sev-snp',
      { '/dev/sev-guest': '', [TSM]: 'denied' },
      /run as root/,
    ],
    ['a VM of Azure without a TPM', 'azure-cvm', AZURE, /confidential size/],
    ['a VM of Azure with an old kernel', 'azure-cvm', { ...AZURE, '/dev/tpm0': '' }, /tpm_crb/],
    [
      'a VM of Azure whose TPM is for others',
      'azure-cvm',
      { ...AZURE, '/dev/tpmrm0': 'denied' },
      /group tss/,
    ],
    ['a processor with SGX', 'sgx', { '/dev/sgx_enclave': '' }, /gramine-sgx/],
    [
      'a Gramine enclave without quotes',
      'sgx',
      { '/dev/attestation/attestation_type': 'none' },
      /sgx\.remote_attestation/,
    ],
    ['a Nitro enclave without rights', 'nitro', { '/dev/nsm': 'denied' }, /root/],
    [
      'a GPU that is not given',
      'nvidia',
      { '/proc/driver/nvidia/version': 'NVRM 590' },
      /nvidia-container-toolkit/,
    ],
  ])('that is %s says what to do', async (_what, source, files, fix) => {
    const finding = await find(source, files)
    expect(finding.status).toBe('blocked')
    expect(finding.fix).toMatch(fix)
  })

  it('that only starts such guests is none', async () => {
    const host = { '/sys/module/kvm_amd/parameters/sev_snp': 'Y\n', ...cpu('sev_snp') }
    await expect(find('sev-snp', host)).resolves.toMatchObject({
      status: 'absent',
      why: expect.stringContaining('starts such guests') as string,
    })
    await expect(find('tdx', { '/sys/module/kvm_intel/parameters/tdx': 'N' })).resolves.toMatchObject({
      why: 'there is no /dev/tdx_guest',
    })
  })

  it('prints nothing that a file could smuggle in', async () => {
    const finding = await find('sgx', { '/dev/attestation/attestation_type': '\u001b[2J' })
    expect(finding.why).toContain('something else')
  })
})
