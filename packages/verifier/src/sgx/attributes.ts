import type { ReportBody } from '../dcap/report-body.ts'
import type { SgxPolicy } from './policy.ts'

/** Bits of ATTRIBUTES.FLAGS (Intel SDM volume 3D, table "Layout of ATTRIBUTES Structure"). */
const [INIT, DEBUG, PROVISION_KEY] = [0, 1, 4]
/** INIT, DEBUG, MODE64BIT, PROVISION_KEY, EINITTOKEN_KEY, CET, KSS, AEX_NOTIFY. */
const KNOWN = [0, 1, 2, 4, 5, 6, 7, 10]
const FLAGS_BITS = 64

/** Whether the host can read and change the enclave. */
export function isSgxDebug({ ATTRIBUTES }: Pick<ReportBody, 'ATTRIBUTES'>): boolean {
  return hasFlag(ATTRIBUTES, DEBUG!)
}

/** Why an enclave is weaker than it has to be, in the names of the SDM; none for a sound one. DEBUG is apart. */
export function findEnclaveDefects(
  { ATTRIBUTES }: Pick<ReportBody, 'ATTRIBUTES'>,
  policy: SgxPolicy = {},
): string[] {
  const defects: string[] = []
  if (!hasFlag(ATTRIBUTES, INIT!)) defects.push('ATTRIBUTES.INIT is 0, expected 1')
  if (hasFlag(ATTRIBUTES, PROVISION_KEY!) && policy.allowProvisionKey !== true)
    defects.push('ATTRIBUTES.PROVISION_KEY is 1, expected 0')
  const reserved = Array.from({ length: FLAGS_BITS }, (_, bit) => bit).filter(
    (bit) => !KNOWN.includes(bit) && hasFlag(ATTRIBUTES, bit),
  )
  if (reserved.length > 0) defects.push(`ATTRIBUTES has reserved bits set: ${reserved.join(', ')}`)
  return defects
}

function hasFlag(attributes: Uint8Array, bit: number): boolean {
  return ((attributes[bit >> 3]! >> (bit & 7)) & 1) === 1
}
