import { concat, toBase64Url, toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { FakeRsaKey } from './rsa.ts'
import type { FakeQuote } from './vtpm.ts'

const REPORT_AREA = 1184

/** What a report of the paravisor says where that is not the usual. */
export interface FakeHclOptions {
  type?: 'SNP' | 'TDX'
  /** Number in the header. */
  hash?: 1 | 2 | 3
  /** Bytes behind the runtime data. Default what fills an index of 2600. */
  trailing?: Uint8Array
}

/** Runtime data of a virtual machine in the usual configuration. */
export function fakeRuntimeData(
  key: FakeRsaKey,
  {
    configuration = {},
    userData = new Uint8Array(64),
    more = {},
  }: {
    configuration?: Record<string, unknown>
    userData?: Uint8Array
    more?: Record<string, unknown>
  } = {},
): Uint8Array {
  const jwk = {
    kid: 'HCLAkPub',
    key_ops: ['sign'],
    kty: 'RSA',
    e: toBase64Url(key.exponent),
    n: toBase64Url(key.modulus),
  }
  return utf8(
    JSON.stringify({
      keys: [jwk],
      'vm-configuration': {
        'console-enabled': true,
        'secure-boot': true,
        'tpm-enabled': true,
        vmUniqueId: '26F8BC30-774E-4290-8E7A-535F3B672AEE',
        ...configuration,
      },
      'user-data': toHex(userData).toUpperCase(),
      ...more,
    }),
  )
}

/** REPORTDATA for runtime data: its hash, zeros behind. */
export function fakeBoundData(runtimeData: Uint8Array, hash: 1 | 2 | 3 = 1): Uint8Array {
  const name = ({ 1: 'sha256', 2: 'sha384', 3: 'sha512' } as const)[hash]
  const bound = new Uint8Array(64)
  bound.set(crypto.hash(name, runtimeData))
  return bound
}

/** The report that NV index 0x01400001 holds. */
export function fakeHclReport(
  hardwareReport: Uint8Array,
  runtimeData: Uint8Array,
  options: FakeHclOptions = {},
): Uint8Array {
  const { type = 'SNP', hash = 1, trailing } = options
  const size = runtimeData.length
  const area = new Uint8Array(REPORT_AREA)
  area.set(hardwareReport)
  const header = words(0x414c4348, 2, 32 + REPORT_AREA + 20 + size, 2, 0, 0, 0, 0)
  const request = words(20 + size, 1, type === 'SNP' ? 2 : 4, hash, size)
  const report = concat(header, area, request, runtimeData)
  return concat(report, trailing ?? new Uint8Array(Math.max(0, 2600 - report.length)))
}

/** Evidence as a document of version 1 or 2. */
export function fakeAzureEvidence(
  hclReport: Uint8Array,
  quote: FakeQuote,
  members: Record<string, Uint8Array>,
  version: 1 | 2 = 1,
): Uint8Array {
  return utf8(
    JSON.stringify({
      version,
      tpm_quote: {
        signature: toHex(quote.signature),
        message: toHex(quote.message),
        pcrs: quote.pcrs.map(toHex),
      },
      hcl_report: toBase64Url(hclReport),
      ...Object.fromEntries(Object.entries(members).map(([name, bytes]) => [name, toBase64Url(bytes)])),
    }),
  )
}

/** Little-endian numbers of 4 bytes. */
function words(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length)
  const view = new DataView(bytes.buffer)
  for (const [index, value] of values.entries()) view.setUint32(4 * index, value, true)
  return bytes
}
