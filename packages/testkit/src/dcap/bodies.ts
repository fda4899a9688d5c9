import { concat } from '@sotto/protocol/bytes'

/** Fields of an SGX report that tests change. */
export interface FakeReportFields {
  CPUSVN?: Uint8Array
  MISCSELECT?: Uint8Array
  /** Flags and XFRM. Default INIT and MODE64BIT. */
  ATTRIBUTES?: Uint8Array
  MRENCLAVE?: Uint8Array
  MRSIGNER?: Uint8Array
  CONFIGID?: Uint8Array
  ISVPRODID?: number
  ISVSVN?: number
  REPORTDATA?: Uint8Array
}

/** REPORTBODY of SGX, 384 bytes. */
export function fakeReportBody(fields: FakeReportFields = {}): Uint8Array {
  const body = new Uint8Array(384)
  const view = new DataView(body.buffer)
  body.set(fields.CPUSVN ?? new Uint8Array(16).fill(5), 0)
  body.set(fields.MISCSELECT ?? new Uint8Array(4), 16)
  body.set(fields.ATTRIBUTES ?? Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 0, 7), 48)
  body.set(fields.MRENCLAVE ?? new Uint8Array(32).fill(0xe1), 64)
  body.set(fields.MRSIGNER ?? new Uint8Array(32).fill(0x51), 128)
  body.set(fields.CONFIGID ?? new Uint8Array(64), 192)
  view.setUint16(256, fields.ISVPRODID ?? 1, true)
  view.setUint16(258, fields.ISVSVN ?? 3, true)
  body.set(fields.REPORTDATA ?? new Uint8Array(64), 320)
  return body
}

/** Fields of a TD report that tests change. */
export interface FakeTdFields {
  /** Byte 0 SVN of the module, byte 1 its version. Default module 1 with SVN 6, the others 3. */
  TEE_TCB_SVN?: Uint8Array
  MRSEAM?: Uint8Array
  MRSIGNERSEAM?: Uint8Array
  SEAMATTRIBUTES?: Uint8Array
  /** Default SEPT_VE_DISABLE. */
  TDATTRIBUTES?: Uint8Array
  XFAM?: Uint8Array
  MRTD?: Uint8Array
  MRCONFIGID?: Uint8Array
  MROWNER?: Uint8Array
  MROWNERCONFIG?: Uint8Array
  RTMR?: readonly Uint8Array[]
  REPORTDATA?: Uint8Array
  TEE_TCB_SVN_2?: Uint8Array
  MRSERVICETD?: Uint8Array
}

const SVN = Uint8Array.of(6, 1, ...Array.from({ length: 14 }, () => 3))
const zeros = (length: number): Uint8Array => new Uint8Array(length)

/** TD Quote Body of TDX 1.0, 584 bytes, or 1.5, 648 bytes. */
export function fakeTdBody(kind: 'TD10' | 'TD15', fields: FakeTdFields = {}): Uint8Array {
  const rtmrs = Array.from({ length: 4 }, (_, i) => fields.RTMR?.[i] ?? zeros(48))
  const body = concat(
    fields.TEE_TCB_SVN ?? SVN,
    fields.MRSEAM ?? zeros(48).fill(0x5e),
    fields.MRSIGNERSEAM ?? zeros(48),
    fields.SEAMATTRIBUTES ?? zeros(8),
    fields.TDATTRIBUTES ?? Uint8Array.of(0, 0, 0, 0x10, 0, 0, 0, 0),
    fields.XFAM ?? Uint8Array.of(0xe7, 0x02, 0x06, 0, 0, 0, 0, 0),
    fields.MRTD ?? zeros(48).fill(0x7d),
    fields.MRCONFIGID ?? zeros(48),
    fields.MROWNER ?? zeros(48),
    fields.MROWNERCONFIG ?? zeros(48),
    ...rtmrs,
    fields.REPORTDATA ?? zeros(64),
  )
  if (kind === 'TD10') return body
  return concat(body, fields.TEE_TCB_SVN_2 ?? fields.TEE_TCB_SVN ?? SVN, fields.MRSERVICETD ?? zeros(48))
}
