import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { HardwareFiles, HardwareSource } from '@sotto/protocol/evidence-hardware'
import { doctor } from '../../src/commands/doctor.ts'
import { type Finding, machineFindings, thisMachine } from '../../src/doctor/index.ts'
import { hardwareFiles } from '../../src/doctor/hardware-files.ts'
import { runInMemory } from '../support/memory-io.ts'

const SOURCES: readonly HardwareSource[] = ['sev-snp', 'tdx', 'azure-cvm', 'sgx', 'nitro', 'nvidia']
const TSM = '/sys/kernel/config/tsm/report'
const TPM = '/dev/tpmrm0'
const AZURE = { '/sys/class/dmi/id/chassis_asset_tag': '7783-7084-3265-9085-8269-3286-77\n' }
const cpu = (flag: string): Record<string, string> => ({
  '/proc/cpuinfo': `processor\t: 0\nflags\t\t: fpu ${flag} sse\n\n`.repeat(2000),
})
const NVIDIA = { '/proc/driver/nvidia/version': 'NVRM version: 590.48\n' }

type Tree = Record<string, string>
let root: string
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'sotto-root-'))))
afterEach(() => rmSync(root, { recursive: true }))

/** Puts files below the root; a path that ends in `/` is a folder. */
function put(tree: Tree): void {
  for (const [path, content] of Object.entries(tree)) {
    mkdirSync(join(root, path.endsWith('/') ? path : dirname(path)), { recursive: true })
    if (!path.endsWith('/')) writeFileSync(join(root, path), content)
  }
}

/** The same files, one of which this process may not use. Root may use every file, so a mode is no model. */
function denied(path: string): HardwareFiles {
  const files = hardwareFiles(root)
  return {
    ...files,
    access: async (asked) => (asked === path ? { read: false, write: false } : files.access(asked)),
  }
}

async function findings(files: HardwareFiles = hardwareFiles(root)): Promise<Map<string, Finding>> {
  const found = await machineFindings({ ...thisMachine(root), files })
  return new Map(found.map((finding) => [finding.name, finding]))
}

/** What is said of the sources that the machine does not lack. */
async function saidOf(files?: HardwareFiles): Promise<[source: string, found: string][]> {
  const all = await findings(files)
  return SOURCES.map((source) => all.get(source)!)
    .filter(({ evidence }) => evidence!.status !== 'absent')
    .map(({ name, found }) => [name, found])
}

describe('what a machine can attest', () => {
  it('is nothing on a laptop, which is no failure', async () => {
    const all = await findings()
    expect(SOURCES.map((source) => all.get(source)!.found)).toEqual([
      'no AMD SEV-SNP guest: there is no /dev/sev-guest',
      'no Intel TDX guest: there is no /dev/tdx_guest',
      'no Azure confidential VM: this is no virtual machine of Azure',
      'no Intel SGX enclave: there is no /dev/sgx_enclave',
      'no AWS Nitro enclave: there is no /dev/nsm',
      'no NVIDIA confidential GPU: the driver of NVIDIA is not loaded',
    ])
    expect(all.get('confidential hardware')!.found).toMatch(/^none: sotto up uses the software TEE/)
    for (const name of [...SOURCES, 'confidential hardware']) expect(all.get(name)!.status).toBe('absent')
  })

  it.each<[HardwareSource, Tree, string]>([
    ['sev-snp', { '/dev/sev-guest': '', [`${TSM}/`]: '' }, `AMD SEV-SNP guest: reports through ${TSM}`],
    [
      'tdx',
      { '/dev/tdx_guest': '', [`${TSM}/`]: '', ...cpu('tdx_guest') },
      `Intel TDX guest: reports through ${TSM}`,
    ],
    [
      'azure-cvm',
      { ...AZURE, [TPM]: '' },
      `Azure confidential VM: HCL report and quotes through ${TPM}, if its size is a confidential one`,
    ],
    [
      'sgx',
      { '/dev/attestation/attestation_type': 'dcap\n' },
      'Intel SGX enclave: quotes through /dev/attestation of Gramine',
    ],
    ['nitro', { '/dev/nsm': '' }, 'AWS Nitro enclave: documents through /dev/nsm, by a helper'],
  ])('is %s where its files are', async (source, tree, sentence) => {
    put(tree)
    await expect(saidOf()).resolves.toEqual([[source, sentence]])
    const all = await findings()
    expect(all.get(source)!.status).toBe('ok')
    expect(all.get('confidential hardware')).toMatchObject({ status: 'ok', found: `evidence from ${source}` })
  })

  it('is a GPU, which makes no machine confidential', async () => {
    put({ ...NVIDIA, '/dev/nvidiactl': '' })
    const all = await findings()
    expect(all.get('nvidia')!.status).toBe('ok')
    expect(all.get('confidential hardware')!.found).toMatch(/^none/)
  })

  it.each<[what: string, HardwareSource, Tree, string]>([
    [
      'no module',
      'sev-snp',
      cpu('sev_snp_guest'),
      'AMD SEV-SNP guest, blocked: the driver sev-guest is not loaded; fix: modprobe sev-guest; it needs Linux 6.7 or later',
    ],
    [
      'no module, but configfs',
      'tdx',
      { ...cpu('tdx_guest'), [`${TSM}/`]: '' },
      'Intel TDX guest, blocked: the driver tdx-guest is not loaded; fix: modprobe tdx-guest',
    ],
    [
      'no configfs',
      'sev-snp',
      { '/dev/sev-guest': '' },
      'AMD SEV-SNP guest, blocked: there is /dev/sev-guest, and no configfs-tsm; fix: mount -t configfs none /sys/kernel/config; Linux 6.7 or later has tsm there',
    ],
    [
      'no TPM',
      'azure-cvm',
      AZURE,
      'Azure confidential VM, blocked: this virtual machine of Azure has no TPM; fix: choose a confidential size (DCasv5, DCesv5 or later) with a vTPM',
    ],
    [
      'no Gramine',
      'sgx',
      { '/dev/sgx_enclave': '' },
      'Intel SGX enclave, blocked: the processor has SGX, and this process runs outside of it; fix: start it with gramine-sgx',
    ],
    [
      'no device',
      'nvidia',
      NVIDIA,
      'NVIDIA confidential GPU, blocked: this process may not use /dev/nvidiactl; fix: give it the device (nvidia-container-toolkit does), or run as root',
    ],
  ])('is blocked by %s (%s), with the fix', async (_what, source, tree, sentence) => {
    put(tree)
    await expect(saidOf()).resolves.toEqual([[source, sentence]])
    expect((await findings()).get(source)!.status).toBe('absent')
  })

  it.each<[string, HardwareSource, Tree, RegExp]>([
    [TSM, 'sev-snp', { '/dev/sev-guest': '', [`${TSM}/`]: '' }, /only root may .*; fix: run as root/],
    [TSM, 'tdx', { '/dev/tdx_guest': '', [`${TSM}/`]: '' }, /only root may .*; fix: run as root/],
    [TPM, 'azure-cvm', { ...AZURE, [TPM]: '' }, /may not use \/dev\/tpmrm0; fix: .* group tss/],
    ['/dev/nsm', 'nitro', { '/dev/nsm': '' }, /may not use \/dev\/nsm; fix: run as root/],
    [
      '/dev/nvidiactl',
      'nvidia',
      { ...NVIDIA, '/dev/nvidiactl': '' },
      /may not use \/dev\/nvidiactl; fix: give/,
    ],
  ])('is blocked where %s may not be used (%s)', async (path, source, tree, sentence) => {
    put(tree)
    await expect(saidOf(denied(path))).resolves.toEqual([[source, expect.stringMatching(sentence)]])
    const summary = (await findings(denied(path))).get('confidential hardware')!
    expect(summary).toMatchObject({
      status: 'absent',
      found: expect.stringMatching(
        source === 'nvidia' ? /^none/ : `^blocked: ${source}; what to do is below`,
      ) as string,
    })
  })

  it.skipIf(process.getuid?.() === 0)('is blocked by the mode of a file (skipped for root)', async () => {
    put({ '/dev/nsm': '' })
    chmodSync(join(root, 'dev/nsm'), 0o400)
    await expect(hardwareFiles(root).access('/dev/nsm')).resolves.toEqual({ read: true, write: false })
    await expect(saidOf()).resolves.toEqual([['nitro', expect.stringContaining('may not use /dev/nsm')]])
  })
})

describe('files of a machine', () => {
  it('are below the root, and absent ones are nothing', async () => {
    put({ '/proc/swaps': 'Filename\tType\n/swap.img\tfile\n' })
    const files = hardwareFiles(root)
    await expect(files.readText('/proc/swaps')).resolves.toContain('/swap.img')
    await expect(files.exists('/proc/swaps')).resolves.toBe(true)
    await expect(files.readText('/proc')).resolves.toBeUndefined()
    await expect(files.readText('/proc/self')).resolves.toBeUndefined()
    await expect(files.access('/proc/self')).resolves.toBeUndefined()
    expect((await findings()).get('swap')!.found).toMatch(/^on: /)
  })

  it('are cut off after 64 KiB', async () => {
    put({ '/long': 'a'.repeat(70_000) })
    await expect(hardwareFiles(root).readText('/long')).resolves.toHaveLength(65_536)
  })
})

describe('sotto doctor', () => {
  const run = (...flags: string[]): ReturnType<typeof runInMemory> =>
    runInMemory([doctor], ['doctor', ...flags], { cwd: root })

  it('has every source with its parts in --json', async () => {
    const { code, stdout } = await run('--json')
    const { ok, findings } = JSON.parse(stdout) as { ok: boolean; findings: Finding[] }
    expect([code, ok]).toEqual([0, true])
    const evidence = findings.flatMap((finding) => finding.evidence ?? [])
    expect(evidence.map(({ source }) => source)).toEqual(SOURCES)
    for (const { status, why, fix } of evidence) {
      expect(['ready', 'blocked', 'absent']).toContain(status)
      expect(why).not.toBe('')
      expect(fix !== undefined).toBe(status === 'blocked')
    }
  })

  it('has one line for each source, none of them a failure', async () => {
    const { code, stdout } = await run()
    expect(code).toBe(0)
    for (const source of SOURCES) expect(stdout).toMatch(new RegExp(`^[✓-] ${source} +\\S`, 'm'))
  })
})
