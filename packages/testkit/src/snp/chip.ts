import { utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { SnpProduct } from '@sotto/verifier/snp'
import {
  derWriter,
  type FakeCertificateOptions,
  type FakeExtension,
  type FakeIdentity,
  fakeKey,
} from '../x509/index.ts'
import { type FakeReportFields, reportBody, signReport } from './report.ts'

/** What kind of chip, and what its certificate says where that is not the truth. */
export interface FakeChipOptions {
  product?: SnpProduct
  /** Default VCEK. */
  kind?: 'VCEK' | 'VLEK'
  /** REPORTED_TCB, 8 bytes, lowest first. */
  tcb?: Uint8Array
  /** hwID in an OCTET STRING of its own, as some certificates have it. */
  wrapHwId?: boolean
  /** Changes the extensions before they are signed, by the arcs after `1.3.6.1.4.1.3704.1.`. */
  extensions?: (byArc: Map<string, Uint8Array>) => void
  certificate?: FakeCertificateOptions
}

/** A chip with a certified key. */
export interface FakeChip {
  /** CHIP_ID, 64 bytes. */
  chipId: Uint8Array
  leaf: FakeIdentity
  /** Leaf as DER, intermediate and root as one PEM: what KDS gives. */
  collateral: Record<string, Uint8Array>
  /** A report of a sound guest, changed by these fields and then signed. */
  report(changes?: Partial<FakeReportFields>, change?: (body: Uint8Array) => void): Uint8Array
}

const AMD_ARC = '1.3.6.1.4.1.3704.1.'
/** Arc of the extension for each byte of TCB_VERSION (AMD 57230). */
const LEVELS: Record<SnpProduct, readonly number[]> = {
  milan: [1, 2, 4, 5, 6, 7, 3, 8],
  genoa: [1, 2, 4, 5, 6, 7, 3, 8],
  turin: [9, 1, 2, 3, 5, 6, 7, 8],
}
const PRODUCTS: Record<
  SnpProduct,
  { name: string; cpuid: FakeReportFields['cpuid']; version: number; hwIdBytes: number }
> = {
  milan: { name: 'Milan-B0', cpuid: [0x19, 0x01, 0x01], version: 3, hwIdBytes: 64 },
  genoa: { name: 'Genoa', cpuid: [0x19, 0x11, 0x01], version: 3, hwIdBytes: 64 },
  turin: { name: 'Turin', cpuid: [0x1a, 0x02, 0x01], version: 5, hwIdBytes: 8 },
}

/** Issues the certificate of a new chip and makes its reports. */
export function fakeChip(ark: FakeIdentity, issuer: FakeIdentity, options: FakeChipOptions): FakeChip {
  const { product = 'milan', kind = 'VCEK' } = options
  const { name, cpuid, version, hwIdBytes } = PRODUCTS[product]
  const tcb = options.tcb ?? Uint8Array.of(4, 3, 0, 0, 0, 0, 24, 219)
  const hwId = crypto.randomBytes(hwIdBytes)
  const chipId = new Uint8Array(64)
  if (kind === 'VCEK') chipId.set(hwId)
  const key = fakeKey('P-384')
  const leaf = issuer.issue({
    commonName: `SEV-${kind}`,
    serialNumber: new Uint8Array(0),
    ca: null,
    keyUsage: null,
    key,
    extensions: extensionsOf(product, kind, name, tcb, hwId, options),
    ...options.certificate,
  })
  const sound: FakeReportFields = {
    version,
    guestSvn: 0,
    policy: 0x30000n,
    familyId: new Uint8Array(16),
    imageId: new Uint8Array(16),
    vmpl: 0,
    currentTcb: tcb,
    reportedTcb: tcb,
    committedTcb: tcb,
    launchTcb: tcb,
    platformInfo: 0x25n,
    keyFlags: kind === 'VCEK' ? 0 : 1 << 2,
    reportData: new Uint8Array(64).fill(7),
    measurement: new Uint8Array(48).fill(1),
    hostData: new Uint8Array(32).fill(2),
    idKeyDigest: new Uint8Array(48),
    authorKeyDigest: new Uint8Array(48),
    reportId: new Uint8Array(32).fill(3),
    cpuid,
    chipId,
    current: [29, 55, 1],
    committed: [29, 55, 1],
    mitigations: [1n, 1n],
  }
  return {
    chipId,
    leaf,
    collateral: { leaf: leaf.der, chain: utf8(issuer.pem + ark.pem) },
    report(changes = {}, change) {
      const body = reportBody({ ...sound, ...changes })
      change?.(body)
      return signReport(body, key.privateKey)
    },
  }
}

function extensionsOf(
  product: SnpProduct,
  kind: 'VCEK' | 'VLEK',
  name: string,
  tcb: Uint8Array,
  hwId: Uint8Array,
  { wrapHwId = false, extensions }: FakeChipOptions,
): FakeExtension[] {
  const { der, integer, octets } = derWriter
  const text = (value: string): Uint8Array => der(0x16, utf8(value))
  const byArc = new Map<string, Uint8Array>([
    ['1', integer(Uint8Array.of(product === 'turin' ? 1 : 0))],
    ['2', text(name)],
    ...LEVELS[product].map((arc, byte): [string, Uint8Array] => [
      `3.${arc}`,
      integer(Uint8Array.of(tcb[byte]!)),
    ]),
    kind === 'VCEK' ? ['4', wrapHwId ? octets(hwId) : hwId] : ['5', text('CN=cc-fake-1.example.com')],
  ])
  extensions?.(byArc)
  return [...byArc].map(([arc, value]) => ({ oid: AMD_ARC + arc, value }))
}
