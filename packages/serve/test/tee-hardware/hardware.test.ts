import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { concat, toBase64, toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { HardwareFiles, HardwareFinding, HardwareSource } from '@sotto/protocol/evidence-hardware'
import type { AdmissionTuple, Component, Evidence } from '@sotto/protocol/keyrelease'
import { packCollateral } from '@sotto/protocol/collateral-bundle'
import { collateralFiles, type HardwareOptions, openHardware } from '@sotto/serve/tee-hardware'
import { bundleBytes, createFakeIntel } from '@sotto/testkit/dcap'
import { fakeNitro } from '@sotto/testkit/nitro'
import { fakeNvidia } from '@sotto/testkit/nvidia'
import { fakeAmd } from '@sotto/testkit/snp'
import { FAKE_NOW } from '@sotto/testkit/x509'
import { appraiseEvidence, type EvidenceAppraisal, gpuNonce } from '@sotto/verifier/appraisal'
import { evidencePieces, platformPolicy } from '@sotto/verifier/workload'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { tsmModel } from '../evidence/tsm-model.ts'

/** Roots that stand in for those pinned in the verifier. */
const pinned = vi.hoisted(() => ({}) as Record<string, unknown>)
vi.mock('../../../verifier/src/snp/roots.ts', () => ({ snpVendorRoots: () => pinned['amd'] }))
vi.mock('../../../verifier/src/nvidia/roots.ts', () => ({ nvidiaRoots: () => pinned['nvidia'] }))
vi.mock('../../../verifier/src/dcap/roots.ts', () => ({ intelSgxRootCa: () => pinned['intel'] }))
vi.mock('../../../verifier/src/nitro/root.ts', () => ({ nitroVendorRoots: () => pinned['nitro'] }))
const [amd, nvidia, intel, cloud] = [fakeAmd(), fakeNvidia(), createFakeIntel(), fakeNitro()]
Object.assign(pinned, {
  amd: amd.roots,
  nvidia: nvidia.roots,
  intel: intel.roots[0],
  nitro: cloud.roots,
})

let folder: string
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'sotto-hardware-'))))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const binding = crypto.sha512(Uint8Array.of(1))
const finding = (source: HardwareSource, status: HardwareFinding['status'] = 'ready'): HardwareFinding => ({
  source,
  title: source,
  status,
  why: `${source} is ${status}`,
  ...(status === 'blocked' && { fix: `unblock ${source}` }),
})

/** A program that writes its arguments down and prints these bytes. */
function helper(name: string, output: Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(`${path}.out`, output)
  writeFileSync(path, `#!/bin/sh\necho "$@" > '${path}.args'\ncat '${path}.out'\n`)
  chmodSync(path, 0o755)
  return path
}

/** A program that knows in which mode GPUs run. */
function statusHelper(devTools = 'OFF'): string {
  const path = join(folder, `status-${devTools}`)
  writeFileSync(
    path,
    `#!/bin/sh\n[ "$2" = -f ] && echo 'CC status: ON' || echo 'DevTools Mode: ${devTools}'\n`,
  )
  chmodSync(path, 0o755)
  return path
}

function judge(
  evidence: Evidence,
  allOf: Component[],
  gpuBinding?: AdmissionTuple['gpuBinding'],
): EvidenceAppraisal {
  const platform = { name: 'own', allOf, ...(gpuBinding && { gpuBinding }) }
  const policy = platformPolicy({ platforms: [platform], evidenceMaxAgeSeconds: 3600 })
  const context = { at: FAKE_NOW, expectedReportData: binding, boundAt: FAKE_NOW }
  return appraiseEvidence(evidencePieces(evidence), policy, context)
}

/** The host's table of certificates, as GHCB lays it out. */
function certificateTable(certificates: Record<string, Uint8Array>): Uint8Array {
  const entries = Object.entries(certificates)
  let offset = (entries.length + 1) * 24
  const head = entries.map(([guid, der]) => {
    const entry = Buffer.alloc(24)
    entry.write(guid, 0, 'hex')
    entry.writeUInt32LE(offset, 16)
    entry.writeUInt32LE(der.length, 20)
    offset += der.length
    return entry
  })
  return concat(...head, Buffer.alloc(24), ...entries.map(([, der]) => der))
}

const chip = amd.chip()
const snpMachine = () =>
  tsmModel({
    report: (reportData) => chip.report({ reportData }),
    auxblob: certificateTable({
      '63da758de6644564adc5f4b93be8accd': chip.leaf.der,
      '4ab7b379bbac4fe4a02f05aef327c782': amd.issuer('milan', 'VCEK').der,
      c0b406a4a803495297433fb6014cd0ae: amd.ark('milan').der,
    }),
  }).machine
const SNP: Component = { family: 'sev-snp', requireRevocation: false }

describe('evidence of a machine', () => {
  it(claim('T8', 'of AMD carries the binding, with the certificates of its host'), async () => {
    const hardware = await openHardware({ machine: snpMachine(), findings: [finding('sev-snp')] })
    expect(hardware.family).toBe('sev-snp')
    const evidence = await hardware.collectEvidence(binding)
    expect(judge(evidence, [SNP])).toMatchObject({ admitted: true, software: false })
    await expect(hardware.collectEvidence(binding.subarray(1))).rejects.toThrow(RangeError)
  })

  it(claim('T8', 'of Intel carries the binding, with collateral from elsewhere'), async () => {
    const { machine } = tsmModel({
      provider: 'tdx_guest',
      auxblob: null,
      report: (reportData) => intel.tdQuote({ REPORTDATA: reportData }),
    })
    writeFileSync(
      join(folder, 'tdx.json'),
      packCollateral({ fetchedAt: null, pieces: bundleBytes(intel.bundle('tdx')) }),
    )
    const hardware = await openHardware({
      machine,
      findings: [finding('tdx'), finding('sev-snp', 'absent')],
      collateral: collateralFiles(folder),
    })
    expect(judge(await hardware.collectEvidence(binding), [{ family: 'tdx' }]).admitted).toBe(true)
    // Replaced while the role runs: it counts, or is refused, at the next attestation.
    writeFileSync(join(folder, 'tdx.json'), '{}')
    await expect(hardware.collectEvidence(binding)).rejects.toMatchObject({ code: 'COLLATERAL_BUNDLE' })
    rmSync(join(folder, 'tdx.json'))
    expect(judge(await hardware.collectEvidence(binding), [{ family: 'tdx' }])).toMatchObject({
      admitted: false,
      reason: 'collateral-missing',
    })
  })

  it(claim('T8', 'of AWS carries the binding as user data'), async () => {
    const document = cloud.document({ fields: { user_data: binding } })
    const nitroHelper = helper('nsm', document)
    const hardware = await openHardware({ findings: [finding('nitro')], nitroHelper })
    expect(judge(await hardware.collectEvidence(binding), [{ family: 'nitro' }]).admitted).toBe(true)
    expect(readFileSync(`${nitroHelper}.args`, 'utf8').trim()).toBe(`--user-data ${toHex(binding)}`)
  })
})

describe('evidence of a machine with GPUs', () => {
  const nonce = gpuNonce(binding)
  const devices = [nvidia.device(), nvidia.device()]
  const listOf = (...shown: typeof devices): Uint8Array =>
    Buffer.from(
      JSON.stringify(
        shown.map((device) => ({
          arch: 'HOPPER',
          certificate: toBase64(device.chain),
          evidence: toBase64(device.report({ nonce })),
          nonce: toHex(nonce),
        })),
      ),
    )
  const GPU: Component = { family: 'nvidia', requireOcsp: false }
  const two = { minGpus: 2, maxGpus: 2 }
  const collect = async (gpuHelper: string, options: HardwareOptions = {}): Promise<Evidence> => {
    const hardware = await openHardware({
      machine: snpMachine(),
      gpus: { command: gpuHelper, statusCommand: statusHelper() },
      collateral: async (family) => (family === 'nvidia' ? nvidia.rims() : {}),
      findings: [finding('sev-snp'), finding('nvidia')],
      ...options,
    })
    return hardware.collectEvidence(binding)
  }

  it(
    claim('T9', 'has them answer a nonce of the binding, and the processor commits to their answers'),
    async () => {
      const gpuHelper = helper('nvattest', listOf(...devices))
      const evidence = await collect(gpuHelper)
      expect(readFileSync(`${gpuHelper}.args`, 'utf8')).toContain(`--nonce ${toHex(nonce)}`)
      expect(evidence.map(({ family }) => family)).toEqual(['sev-snp', 'nvidia'])
      expect(judge(evidence, [SNP, GPU], two)).toMatchObject({ admitted: true })
      // A policy for the processor alone does not take it for one: the report carries something else.
      expect(judge([evidence[0]!], [SNP])).toMatchObject({ admitted: false, reason: 'binding' })
    },
  )

  it(claim('T9', 'lets no GPU be left out, added or exchanged afterwards'), async () => {
    const [a, b] = devices
    const own = await collect(helper('own', listOf(a!, b!)))
    const one = await collect(helper('one', listOf(a!)))
    const other = await collect(helper('other', listOf(a!, nvidia.device())))
    for (const foreign of [one, other])
      expect(judge([own[0]!, foreign[1]!], [SNP, GPU], { minGpus: 1, maxGpus: 2 })).toMatchObject({
        admitted: false,
        reason: 'binding',
      })
    expect(judge(one, [SNP, GPU], two)).toMatchObject({ admitted: false, reason: 'hardware' })
  })

  it(claim('T9', 'is not collected at all when a GPU does not answer'), async () => {
    await expect(collect(helper('none', Buffer.from('[]')))).rejects.toMatchObject({
      code: 'COLLECT_UNAVAILABLE',
    })
    await expect(collect(join(folder, 'gone'))).rejects.toMatchObject({ code: 'COLLECT_UNAVAILABLE' })
  })

  it(claim('T9', 'is not collected from a GPU that tools may look into, which no report tells'), async () => {
    const gpuHelper = helper('watched', listOf(...devices))
    const gpus = { command: gpuHelper, statusCommand: statusHelper('ON') }
    await expect(collect(gpuHelper, { gpus })).rejects.toMatchObject({
      code: 'COLLECT_UNAVAILABLE',
      expected: 'DevTools Mode: OFF',
      found: 'DevTools Mode: ON',
    })
  })

  it(claim('T9', 'leaves no GPU out that this process may not ask, and looks again each time'), async () => {
    const blocked = [finding('sev-snp'), finding('nvidia', 'blocked')]
    await expect(collect('unused', { findings: blocked })).rejects.toMatchObject({
      code: 'TEE_UNAVAILABLE',
      found: 'nvidia is blocked',
      hint: 'unblock nvidia',
    })
    // A guest of SNP whose driver for GPUs is loaded while the role runs.
    const there = new Set(['/dev/sev-guest', '/sys/kernel/config/tsm/report'])
    const files: HardwareFiles = {
      exists: async (path) => there.has(path),
      readText: async (path) => (there.has(path) ? 'there' : undefined),
      access: async (path) => (there.has(path) ? { read: true, write: true } : undefined),
    }
    const hardware = await openHardware({
      machine: snpMachine(),
      gpus: { command: helper('late', listOf(...devices)), statusCommand: statusHelper() },
      collateral: async () => ({}),
      files,
    })
    const families = async (): Promise<string[]> =>
      (await hardware.collectEvidence(binding)).map(({ family }) => family)
    expect(await families()).toEqual(['sev-snp'])
    there.add('/proc/driver/nvidia/version')
    await expect(families()).rejects.toMatchObject({ code: 'TEE_UNAVAILABLE' })
    there.add('/dev/nvidiactl')
    expect(await families()).toEqual(['sev-snp', 'nvidia'])
  })
})

describe('a machine', () => {
  it('that can attest nothing says why, and what to do', async () => {
    await expect(openHardware({ findings: [finding('sev-snp', 'absent')] })).rejects.toMatchObject({
      code: 'TEE_ABSENT',
      action: 'fix-input',
      found: 'no hardware for it',
    })
    const findings = [finding('tdx', 'blocked'), finding('nvidia')]
    await expect(openHardware({ findings })).rejects.toMatchObject({
      found: 'tdx: tdx is blocked',
      hint: 'unblock tdx',
    })
  })

  it('of a cloud is asked the way of that cloud first', async () => {
    const both = [finding('sev-snp'), finding('azure-cvm')]
    expect((await openHardware({ findings: both })).family).toBe('azure-cvm')
  })
})
