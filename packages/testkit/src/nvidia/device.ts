import { fromHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { constructed, primitive, TAG } from '@sotto/protocol/der'
import { derWriter, type FakeExtension, type FakeIdentity } from '../x509/index.ts'
import { FAKE_OPAQUE, type FakeReportOptions, opaqueText, writeReport } from './report.ts'

const { der, explicit, integer, octets, oid, sequence } = derWriter
const SHA384 = '2.16.840.1.101.3.4.2.2'
const COMPOSITE_DEVICE_ID = '2.23.133.5.4.1'
const DICE_TCB_INFO = '2.23.133.5.4.1.1'

/** What a device is; the default is an H100. */
export interface FakeDeviceOptions {
  /** Default `GH100`; `GB100` is Blackwell, `LS_10` the switch of Hopper. */
  chip?: string
  /** The same device with another firmware: one identity key, another leaf. */
  sameAs?: FakeDevice
  /** Of the certificate above the leaf, where it is another. */
  issuerChip?: string
  driverVersion?: string
  /** Five bytes, hexadecimal with points. */
  vbiosVersion?: string
  measurements?: readonly Uint8Array[]
  /** In the DICE extension of the leaf; default that of the report. */
  certifiedFwid?: Uint8Array
  /** Writes this bit string as OperationalFlags (Blackwell). */
  operationalFlags?: Uint8Array
  /** Instead of those of the chip. */
  leafExtensions?: readonly FakeExtension[]
}

/** A device: its certificates, and reports that it signs. */
export interface FakeDevice {
  /** Name that its certificate has, `NVIDIA:GH100:0123456789ABCDEF`. */
  name: string
  fwid: Uint8Array
  /** Leaf, its issuer, two authorities and the root. */
  certificates: readonly FakeIdentity[]
  /** PEM, leaf first. */
  chain: Uint8Array
  report(options?: FakeReportOptions): Uint8Array
}

/** Makes a device under an authority that provisions them. */
export function makeDevice(
  authorities: readonly [provisioner: FakeIdentity, identity: FakeIdentity, root: FakeIdentity],
  measurements: readonly Uint8Array[],
  options: FakeDeviceOptions = {},
): FakeDevice {
  const { chip = 'GH100', driverVersion = '550.90.07', vbiosVersion = '96.00.9F.00.01' } = options
  const fwid = crypto.sha384(utf8(`firmware of ${chip}`))
  const serial = crypto.randomBytes(8)
  const name = `NVIDIA:${chip}:${[...serial]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('')
    .toUpperCase()}`
  const part = chip === 'LS_10' ? 'FSP' : 'GSP'
  const boot =
    options.sameAs?.certificates[1] ??
    authorities[0].issue({ commonName: `${options.issuerChip ?? chip} A01 ${part} BROM`, ca: true })
  const leaf = boot.issue({
    commonName: `${chip} A01 ${part} FMC LF`,
    ca: null,
    extensions: options.leafExtensions ?? [
      alternativeName(name),
      diceExtension(chip, boot, options.certifiedFwid ?? fwid, options.operationalFlags),
    ],
  })
  const certificates = [leaf, boot, ...authorities]
  const opaque = opaqueOf(chip, driverVersion, vbiosVersion, fwid)
  return {
    name,
    fwid,
    certificates,
    chain: utf8(certificates.map(({ pem }) => pem).join('')),
    report: (wanted = {}) =>
      writeReport(opaque, options.measurements ?? measurements, { signWith: leaf.key.privateKey, ...wanted }),
  }
}

function opaqueOf(chip: string, driver: string, vbios: string, fwid: Uint8Array): Map<number, Uint8Array> {
  if (chip === 'LS_10') return new Map([[FAKE_OPAQUE.VBIOS_VERSION, utf8(vbios)]])
  const [a, b, c, d, e] = fromHex(vbios.replaceAll('.', '').toLowerCase())
  return new Map([
    [FAKE_OPAQUE.VBIOS_VERSION, Uint8Array.of(d!, c!, b!, a!, e!, 0, 0, 0)],
    [FAKE_OPAQUE.CHIP_SKU, opaqueText('882')],
    [FAKE_OPAQUE.PROJECT, opaqueText('1010')],
    [FAKE_OPAQUE.PROJECT_SKU, opaqueText('0200')],
    [FAKE_OPAQUE.DRIVER_VERSION, opaqueText(driver)],
    [FAKE_OPAQUE.NVDEC0_STATUS, Uint8Array.of(0x55)],
    [FAKE_OPAQUE.FWID, fwid],
    [FAKE_OPAQUE.PROTECTED_PCIE_STATUS, Uint8Array.of(0x55)],
    [FAKE_OPAQUE.OPAQUE_DATA_VERSION, Uint8Array.of(1, 0)],
    [FAKE_OPAQUE.FEATURE_FLAG, Uint8Array.of(0, 0)],
  ])
}

/** otherName of DMTF's SPDM with UTF8String. */
function alternativeName(name: string): FakeExtension {
  const text = der(TAG.UTF8_STRING, utf8(name))
  return { oid: '2.5.29.17', value: sequence(explicit(0, oid('1.3.6.1.4.1.412.274.1'), explicit(0, text))) }
}

function diceExtension(
  chip: string,
  boot: FakeIdentity,
  fwid: Uint8Array,
  flags?: Uint8Array,
): FakeExtension {
  const digest = sequence(oid(SHA384), octets(fwid))
  if (!chip.startsWith('GB'))
    return {
      oid: COMPOSITE_DEVICE_ID,
      value: sequence(integer(Uint8Array.of(1)), boot.certificate.spki, digest),
    }
  const value = sequence(
    der(primitive(0), utf8('NVIDIA')),
    der(primitive(1), utf8(`${chip} A01 GSP`)),
    der(constructed(6), digest, sequence(oid(SHA384), octets(new Uint8Array(48)))),
    der(primitive(7), flags ?? Uint8Array.of(0, 0x80, 0, 0, 1)),
  )
  return { oid: DICE_TCB_INFO, value }
}
