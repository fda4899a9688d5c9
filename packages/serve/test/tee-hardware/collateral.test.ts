import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { concat, toBase64Url, uint, utf8 } from '@sotto/protocol/bytes'
import { packCollateral } from '@sotto/protocol/collateral-bundle'
import type { HardwareFinding } from '@sotto/protocol/evidence-hardware'
import {
  COLLATERAL_FILE_LIMITS,
  type Evidence,
  EVIDENCE_LIMITS,
  evidenceDecoder,
} from '@sotto/protocol/keyrelease'
import { collateralFiles, type HardwareOptions, openHardware } from '@sotto/serve/tee-hardware'
import type { Machine } from '@sotto/serve/evidence'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ccelTable } from '../evidence/ccel-table.ts'
import { systemError, tsmModel } from '../evidence/tsm-model.ts'

let folder: string
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'sotto-collateral-'))))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const binding = new Uint8Array(64).fill(3)
const ready = (source: HardwareFinding['source']): HardwareFinding[] => [
  { source, title: source, status: 'ready', why: `${source} is ready` },
]
const write = (family: string, pieces: Record<string, Uint8Array>): void =>
  writeFileSync(join(folder, `${family}.json`), packCollateral({ fetchedAt: null, pieces }))

/** A guest of TDX whose firmware kept this event log; undefined: none. */
function tdxMachine(log?: Uint8Array, failure = 'ENOENT'): Machine {
  const { machine } = tsmModel({ provider: 'tdx_guest', auxblob: null })
  const files = new Map([
    ['/sys/firmware/acpi/tables/CCEL', ccelTable()],
    ['/sys/firmware/acpi/tables/data/CCEL', log],
  ])
  return {
    ...machine,
    async read(path, maxBytes) {
      if (!files.has(path)) return machine.read(path, maxBytes)
      const bytes = files.get(path)
      if (log === undefined || bytes === undefined) throw systemError(failure)
      return new Uint8Array(bytes)
    },
  }
}

async function collect(machine: Machine, options: HardwareOptions = {}): Promise<Evidence> {
  const hardware = await openHardware({
    machine,
    findings: ready('tdx'),
    collateral: collateralFiles(folder),
    ...options,
  })
  return hardware.collectEvidence(binding)
}

describe('collateral of TDX', () => {
  const log = new Uint8Array(1000).fill(7)

  it('is the event log of the firmware', async () => {
    const [piece] = await collect(tdxMachine(log))
    expect(piece!.collateral).toEqual({ ccel: toBase64Url(log) })
  })

  it.each(['ENOENT', 'EACCES'])('is nothing where there is no event log to read (%s)', async (failure) => {
    const evidence = await collect(tdxMachine(undefined, failure))
    expect(evidence).toEqual([
      { family: 'tdx', evidence: toBase64Url(concat(utf8('tdx_guest:'), binding)), collateral: {} },
    ])
    expect(evidenceDecoder(evidence, 'evidence')).toEqual(evidence)
  })

  it('comes from its file beside the log of the machine, which no file replaces', async () => {
    write('tdx', { ccel: utf8('of the operator'), 'tcb-info': utf8('of Intel') })
    const [piece] = await collect(tdxMachine(log))
    expect(piece!.collateral).toEqual({ ccel: toBase64Url(log), 'tcb-info': toBase64Url(utf8('of Intel')) })
    const [without] = await collect(tdxMachine())
    expect(without!.collateral['ccel']).toBe(toBase64Url(utf8('of the operator')))
  })
})

it('what came with a report goes before a file, for every kind of processor', async () => {
  // What the host attaches is of the chip that signed; a file may be of the machine before.
  const guid = '63da758de6644564adc5f4b93be8accd'
  const certificate = utf8('of this chip')
  const entry = concat(Buffer.from(guid, 'hex'), Buffer.from([48, 0, 0, 0, certificate.length, 0, 0, 0]))
  const { machine } = tsmModel({ auxblob: concat(entry, new Uint8Array(24), certificate) })
  write('sev-snp', { [guid]: utf8('of another chip'), crl: uint(1, 4) })
  const [piece] = await collect(machine, { findings: ready('sev-snp') })
  expect(piece!.collateral).toEqual({ [guid]: toBase64Url(certificate), crl: toBase64Url(uint(1, 4)) })
})

describe('a file of collateral', () => {
  const { pieces, totalBytes } = COLLATERAL_FILE_LIMITS
  const many = (count: number): Record<string, Uint8Array> =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`p${i}`, Uint8Array.of(i)]))

  it.each<[string, string, Record<string, Uint8Array>, string]>([
    ['is too large', 'tdx', { a: new Uint8Array(totalBytes + 1) }, `at most ${totalBytes} bytes`],
    [
      'holds too much in several pieces',
      'tdx',
      { a: new Uint8Array(totalBytes), b: Uint8Array.of(1) },
      `at most ${totalBytes} bytes`,
    ],
    ['holds too many pieces', 'tdx', many(pieces + 1), `at most ${pieces}`],
    [
      'is too large for GPUs, which may come later',
      'nvidia',
      { a: new Uint8Array(totalBytes + 1) },
      'at most',
    ],
  ])(
    'that %s is refused at the start, not when keys are asked for',
    async (_what, family, content, expected) => {
      write(family, content)
      const options = { machine: tdxMachine(), findings: ready('tdx'), collateral: collateralFiles(folder) }
      await expect(openHardware(options)).rejects.toMatchObject({
        code: 'COLLATERAL_BUNDLE',
        action: 'fix-input',
        message: expect.stringContaining(join(folder, `${family}.json`)) as string,
        expected: expect.stringContaining(expected) as string,
      })
      rmSync(join(folder, `${family}.json`))
      const hardware = await openHardware(options)
      // Put there while the role runs: refused all the same.
      write('tdx', { a: new Uint8Array(totalBytes + 1) })
      await expect(hardware.collectEvidence(binding)).rejects.toMatchObject({ code: 'COLLATERAL_BUNDLE' })
    },
  )

  it('that is as full as it may be is carried, beside all that a machine adds', async () => {
    const full = { ...many(pieces - 1), last: new Uint8Array(totalBytes - pieces + 1) }
    write('tdx', full)
    const evidence = await collect(tdxMachine(new Uint8Array(65_536)))
    expect(Object.keys(evidence[0]!.collateral)).toHaveLength(pieces + 1)
    expect(evidenceDecoder(evidence, 'evidence')).toEqual(evidence)
    // The largest log, and the file of the GPUs; what remains is for the evidence itself.
    const { pieceBytes, totalBytes: all } = EVIDENCE_LIMITS
    expect(all - pieceBytes - 2 * totalBytes).toBeGreaterThanOrEqual(500_000)
  })
})
