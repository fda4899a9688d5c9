import { describe, expect, it } from 'vitest'
import { concat, toHex, utf8 } from '@sotto/protocol/bytes'
import {
  FAKE_OPAQUE,
  fakeNvidia,
  littleEndianBytes,
  measurementBlock,
  opaqueField,
} from '@sotto/testkit/nvidia'
import { parseNvidiaReport } from '@sotto/verifier/nvidia'

const malformed = expect.objectContaining({ code: 'EVIDENCE_MALFORMED', action: 'fix-input' })
const vendor = fakeNvidia()
const device = vendor.device()
const report = device.report()
const changed = (at: number, value: number): Uint8Array => {
  const copy = report.slice()
  copy[at] = value
  return copy
}
/** Request, and the response up to its measurement record. */
const [RESPONSE, BLOCKS, RECORD_LENGTH, RECORD] = [37, 41, 42, 45]
const opaque = (type: number, value: Uint8Array | undefined): Uint8Array =>
  device.report({ opaque: { [type]: value } })
const more = (bytes: Uint8Array): Uint8Array => device.report({ moreOpaque: bytes })
/** A report with another measurement record, signed like any other. */
const withRecord = (count: number, ...blocks: Uint8Array[]): Uint8Array => {
  const record = concat(...blocks)
  const rest = (unsigned: Uint8Array): Uint8Array => {
    const length = unsigned[RECORD_LENGTH]! + unsigned[RECORD_LENGTH + 1]! * 256
    return unsigned.subarray(RECORD + length)
  }
  return device.report({
    edit: (unsigned) =>
      concat(
        unsigned.subarray(0, BLOCKS),
        Uint8Array.of(count),
        littleEndianBytes(record.length, 3),
        record,
        rest(unsigned),
      ),
  })
}
const value = new Uint8Array(48)

describe('a report', () => {
  it('is what the device put into it', () => {
    const parsed = parseNvidiaReport(device.report({ nonce: new Uint8Array(32).fill(7) }))
    expect(parsed).toMatchObject({
      driverVersion: '550.90.07',
      vbiosVersion: '96.00.9F.00.01',
      project: '1010',
      nvdec0: false,
      protectedPcie: false,
      feature: 0,
      fwid: device.fwid,
    })
    expect(toHex(parsed.spdm.requesterNonce)).toBe('07'.repeat(32))
    expect(parsed.spdm.blocks.map(({ index }) => index)).toEqual(Array.from({ length: 64 }, (_, i) => i + 1))
    expect(parsed.spdm.blocks.map((block) => block.value)).toEqual(vendor.measurements)
    expect(parsed.opaqueIds.slice(0, 2)).toEqual(['VBIOS_VERSION', 'CHIP_SKU'])
  })

  it('of a switch has no driver, and a firmware version in words', () => {
    const parsed = parseNvidiaReport(
      vendor.device({ chip: 'LS_10', vbiosVersion: '96.10.55.00.01' }).report(),
    )
    expect(parsed).toMatchObject({ driverVersion: undefined, vbiosVersion: '96.10.55.00.01' })
  })

  it('names opaque data that has no name by its number', () => {
    expect(parseNvidiaReport(more(opaqueField(26, value))).opaqueIds.at(-1)).toBe('26')
  })

  it.each<[string, () => Uint8Array]>([
    ['that is empty', () => new Uint8Array(0)],
    ['with one byte too few', () => report.subarray(0, -1)],
    ['with one byte too many', () => concat(report, Uint8Array.of(0))],
    ['that is too long', () => concat(report, new Uint8Array(65_536))],
    ['of SPDM 1.2', () => changed(0, 0x12)],
    ['that answers another request', () => changed(1, 0xe1)],
    ['that was asked for without a signature', () => changed(2, 0)],
    ['that was asked for raw values', () => changed(2, 3)],
    ['that was asked for one block', () => changed(3, 1)],
    ['with a slot that does not exist', () => changed(36, 8)],
    ['whose response is of SPDM 1.0', () => changed(RESPONSE, 0x10)],
    ['whose response is an error', () => changed(RESPONSE + 1, 0x7f)],
    ['with something reserved in the response', () => changed(RESPONSE + 2, 1)],
    ['of another slot than asked for', () => changed(RESPONSE + 3, 1)],
    ['without blocks', () => withRecord(0)],
    ['with fewer blocks than announced', () => withRecord(2, measurementBlock(1, value))],
    [
      'with more blocks than announced',
      () => withRecord(1, measurementBlock(1, value), measurementBlock(2, value)),
    ],
    ['with a block twice', () => withRecord(2, measurementBlock(1, value), measurementBlock(1, value))],
    ['with descending blocks', () => withRecord(2, measurementBlock(2, value), measurementBlock(1, value))],
    ['with block 0', () => withRecord(1, measurementBlock(0, value))],
    ['with a block of another specification', () => withRecord(1, measurementBlock(1, value).with(1, 2))],
    ['with a hash of another length', () => withRecord(1, measurementBlock(1, value.subarray(1)))],
    ['with a block that says another length', () => withRecord(1, measurementBlock(1, value).with(5, 47))],
    ['with a block that ends too early', () => withRecord(1, measurementBlock(1, value).with(2, 52))],
    ['with a record that is longer than the report', () => changed(RECORD_LENGTH + 2, 1)],
    ['with opaque data twice', () => more(opaqueField(FAKE_OPAQUE.DRIVER_VERSION, utf8('1.1')))],
    ['with opaque data of type 0', () => more(opaqueField(0, value))],
    ['with opaque data that nobody knows', () => more(opaqueField(37, value))],
    ['with opaque data that says to be longer', () => more(littleEndianBytes(5, 2))],
    [
      'with opaque data that ends too early',
      () => more(concat(littleEndianBytes(5, 2), littleEndianBytes(9, 2))),
    ],
    ['of a later version of opaque data', () => opaque(FAKE_OPAQUE.OPAQUE_DATA_VERSION, Uint8Array.of(2, 0))],
    ['without a firmware version', () => opaque(FAKE_OPAQUE.VBIOS_VERSION, undefined)],
    ['with a firmware version of other length', () => opaque(FAKE_OPAQUE.VBIOS_VERSION, new Uint8Array(7))],
    [
      'with something beside the firmware version',
      () => opaque(FAKE_OPAQUE.VBIOS_VERSION, new Uint8Array(8).fill(1)),
    ],
    ['with a driver version that is none', () => opaque(FAKE_OPAQUE.DRIVER_VERSION, utf8('newest'))],
    [
      'with a driver version that goes on behind NUL',
      () => opaque(FAKE_OPAQUE.DRIVER_VERSION, utf8('550.1\0.2')),
    ],
    ['with text that is not printable', () => opaque(FAKE_OPAQUE.PROJECT, utf8('10\u001b[2J'))],
    ['with a firmware id of another length', () => opaque(FAKE_OPAQUE.FWID, new Uint8Array(32))],
    ['with a decoder that is half on', () => opaque(FAKE_OPAQUE.NVDEC0_STATUS, Uint8Array.of(1))],
    [
      'with Protected PCIe that is half on',
      () => opaque(FAKE_OPAQUE.PROTECTED_PCIE_STATUS, Uint8Array.of(0xaa, 0xaa)),
    ],
  ])('is malformed %s', (_what, bytes) => {
    expect(() => parseNvidiaReport(bytes())).toThrow(malformed)
  })
})
