import { toHex } from '@sotto/protocol/bytes'
import { Refusal } from '../checks/index.ts'
import { decodeKeyFlags } from './fields.ts'
import type { EndorsementKey } from './kds.ts'
import { productOfCpuid, productOfName, type SnpProduct } from './product.ts'
import type { SnpReport } from './report.ts'
import { certifiedTcb, tcbBytes } from './tcb.ts'

/** hwID is this many bytes of CHIP_ID; the rest of the field is zero. */
const HWID_BYTES: Readonly<Record<SnpProduct, number>> = { milan: 64, genoa: 64, turin: 8 }

/**
 * Verifies that a genuine certificate is about what a report says of itself: product, TCB and, for a
 * VCEK, chip. A report from which the signer left out its chip (MASK_CHIP_ID) is none of its VCEK.
 *
 * @param product by the root that the certificate leads to
 * @throws Refusal of class `certificate-binding`
 */
export function verifyBinding(report: SnpReport, key: EndorsementKey, product: SnpProduct): void {
  const problems = bindingProblems(report, key, product)
  const [first, ...more] = problems
  if (first === undefined) return
  const reason = [first, ...more].map(({ message }) => message).join('; ')
  throw new Refusal(reason, first.expected, first.found, 'certificate-binding')
}

/**
 * The certificate to judge a report by: one of the kind that the report names and that is about it,
 * where there is one. Which one is chosen decides nothing about whether it is genuine.
 */
export function selectKey(
  keys: readonly EndorsementKey[],
  report: SnpReport | undefined,
): EndorsementKey | undefined {
  if (report === undefined) return keys[0]
  const { signingKey } = decodeKeyFlags(report)
  const ofKind = keys.filter(({ kind }) => kind === signingKey)
  const about = ofKind.find((key) => {
    const product = productOfName(key.productName)
    return product !== undefined && bindingProblems(report, key, product).length === 0
  })
  return about ?? ofKind[0] ?? keys[0]
}

function bindingProblems(report: SnpReport, key: EndorsementKey, product: SnpProduct): Refusal[] {
  const problems: Refusal[] = []
  const compare = (what: string, expected: string, found: string): void => {
    if (expected !== found) problems.push(new Refusal(`${what} is another`, expected, found))
  }
  compare('product of the certificate', product, productOfName(key.productName) ?? key.productName)
  if (report.CPUID !== undefined) {
    const { FAM_ID, MOD_ID } = report.CPUID
    compare('product of the report', product, productOfCpuid(report.CPUID) ?? `CPUID ${FAM_ID} ${MOD_ID}`)
  }
  const levels = certifiedTcb(product, key.levels)
  compare(
    'REPORTED_TCB',
    levels === undefined ? `a TCB of ${product}` : toHex(levels),
    toHex(tcbBytes(report.REPORTED_TCB)),
  )
  // A VLEK is loaded into many chips; CHIP_ID is then what the firmware says under that key.
  if (key.hwId !== undefined) compare('CHIP_ID', toHex(chipId(key.hwId, product)), toHex(report.CHIP_ID))
  return problems
}

/** CHIP_ID of a chip with this hwID; one of the wrong length for its product matches none. */
function chipId(hwId: Uint8Array, product: SnpProduct): Uint8Array {
  if (hwId.length !== HWID_BYTES[product]) return hwId
  const bytes = new Uint8Array(64)
  bytes.set(hwId)
  return bytes
}
