import { concat } from '@sotto/protocol/bytes'
import { derWriter, type FakeExtension } from '../x509/index.ts'

const { boolean, der, integer, octets, oid, sequence } = derWriter
const SGX_EXTENSION = '1.2.840.113741.1.13.1'

/** What a PCK certificate says about its platform. */
export interface FakePckFields {
  ppid?: Uint8Array
  /** 16 SVNs. Default all 5. */
  components?: readonly number[]
  pcesvn?: number
  cpusvn?: Uint8Array
  pceid?: Uint8Array
  fmspc?: Uint8Array
  /** 0 standard, 1 scalable, 2 scalable with integrity. */
  sgxType?: number
  /** `null` leaves it out, as certificates of the Processor CA do. */
  platformInstanceId?: Uint8Array | null
}

/** Defaults of {@link FakePckFields}, so that documents can name the same platform. */
export const FAKE_PLATFORM = {
  ppid: new Uint8Array(16).fill(0xa1),
  components: Array.from({ length: 16 }, () => 5),
  pcesvn: 13,
  cpusvn: new Uint8Array(16).fill(5),
  pceid: new Uint8Array(2),
  fmspc: Uint8Array.of(0xb0, 0xc0, 0x6f, 0, 0, 0),
  sgxType: 1,
  platformInstanceId: new Uint8Array(16).fill(0xc3),
} as const

/** The SGX extension of a PCK certificate. `more` are further fields, DER, for tests of strictness. */
export function pckExtension(fields: FakePckFields = {}, ...more: Uint8Array[]): FakeExtension {
  const { ppid, components, pcesvn, cpusvn, pceid, fmspc, sgxType } = { ...FAKE_PLATFORM, ...fields }
  const instance =
    fields.platformInstanceId === undefined ? FAKE_PLATFORM.platformInstanceId : fields.platformInstanceId
  const tcb = [
    ...components.map((svn, i) => field(`2.${i + 1}`, number(svn))),
    field('2.17', number(pcesvn)),
    field('2.18', octets(cpusvn)),
  ]
  const platform = instance
    ? [
        field('6', octets(instance)),
        field('7', sequence(...[1, 2, 3].map((name) => field(`7.${name}`, boolean(true))))),
      ]
    : []
  const value = sequence(
    field('1', octets(ppid)),
    field('2', sequence(...tcb)),
    field('3', octets(pceid)),
    field('4', octets(fmspc)),
    field('5', der(0x0a, Uint8Array.of(sgxType))),
    ...platform,
    ...more,
  )
  return { oid: SGX_EXTENSION, value }
}

/** One field: the identifier of the extension with these numbers behind it, and a value in DER. */
export function field(numbers: string, value: Uint8Array): Uint8Array {
  return sequence(oid(`${SGX_EXTENSION}.${numbers}`), value)
}

function number(value: number): Uint8Array {
  return integer(concat(Uint8Array.of(value >> 8, value & 0xff)))
}
