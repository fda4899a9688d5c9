import { toHex } from '@sotto/protocol/bytes'
import { isZero } from '../dcap/header.ts'
import type { TdReport } from './body.ts'
import type { TdxPolicy } from './policy.ts'

/** Bits of ATTRIBUTES: Intel "TDX Module ABI Specification", section "ATTRIBUTES (TD Attributes)". */
const BITS = { SEPT_VE_DISABLE: 28, MIGRATABLE: 29, PKS: 30, KL: 31, PERFMON: 63 } as const
const KNOWN = Object.values(BITS)
/** TUD, "TD under debug": bit 0 is DEBUG, the others of the byte are profiling. */
const TUD_BITS = 8

/** Bits of XFAM that must be 1 (x87 and SSE), and all that may be (TDX module, XFAM_FIXED0 and XFAM_FIXED1). */
const XFAM_REQUIRED = [0, 1]
const XFAM_ALLOWED = [0, 1, 2, 5, 6, 7, 8, 9, 11, 12, 14, 15, 17, 18]

/** Whether the host can read the TD (DEBUG), and whether it can look at it in any way (TUD). */
export function findTdDebug({ TDATTRIBUTES }: Pick<TdReport, 'TDATTRIBUTES'>): {
  debug: boolean
  tud: boolean
} {
  return { debug: (TDATTRIBUTES[0]! & 1) === 1, tud: TDATTRIBUTES[0] !== 0 }
}

/** Why a TD is weaker than it has to be, in the names of the module; none for a sound one. */
export function findTdDefects(report: TdReport, policy: TdxPolicy = {}): string[] {
  const attributes = bitsOf(report.TDATTRIBUTES)
  const defects: string[] = []
  if (!attributes.includes(BITS.SEPT_VE_DISABLE) && policy.allowSeptVe !== true)
    defects.push('ATTRIBUTES.SEPT_VE_DISABLE is 0, expected 1')
  const forbidden = [
    ['MIGRATABLE', policy.allowMigratable],
    ['KL', policy.allowKeyLocker],
    ['PERFMON', policy.allowPerfmon],
  ] as const
  for (const [name, isAllowed] of forbidden)
    if (attributes.includes(BITS[name]) && isAllowed !== true)
      defects.push(`ATTRIBUTES.${name} is 1, expected 0`)
  const reserved = attributes.filter((bit) => bit >= TUD_BITS && !(KNOWN as number[]).includes(bit))
  if (reserved.length > 0) defects.push(`ATTRIBUTES has reserved bits set: ${reserved.join(', ')}`)
  const xfam = bitsOf(report.XFAM)
  const missing = XFAM_REQUIRED.filter((bit) => !xfam.includes(bit))
  if (missing.length > 0) defects.push(`XFAM has bits cleared that are fixed to 1: ${missing.join(', ')}`)
  const unknown = xfam.filter((bit) => !XFAM_ALLOWED.includes(bit))
  if (unknown.length > 0) defects.push(`XFAM has bits set that are fixed to 0: ${unknown.join(', ')}`)
  const serviceTd = report.MRSERVICETD
  if (serviceTd && !(policy.mrServiceTd?.includes(toHex(serviceTd)) ?? isZero(serviceTd)))
    defects.push(`MRSERVICETD is ${toHex(serviceTd)}, expected ${policy.mrServiceTd?.join(' or ') ?? 'zero'}`)
  return defects
}

/** Numbers of the bits that are set, of a little-endian field. */
function bitsOf(field: Uint8Array): number[] {
  return Array.from(field, (byte, index) =>
    [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => (byte >> bit) & 1).map((bit) => 8 * index + bit),
  ).flat()
}
