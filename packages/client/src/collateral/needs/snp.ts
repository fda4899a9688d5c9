import { fromUtf8, toHex } from '@sotto/protocol/bytes'
import { certificatesOfPem, parseCertificate } from '@sotto/protocol/x509'
import type { Collateral } from '@sotto/verifier/family'
import {
  decodeTcb,
  type EndorsementKey,
  parseEndorsementKey,
  parseSnpReport,
  productOfCpuid,
  productOfName,
  type SnpReport,
} from '@sotto/verifier/snp'
import { collateralError } from '../errors.ts'
import type { AmdProduct, Need } from '../types.ts'

/** Bits of KEY_FLAGS (AMD 56860, table ATTESTATION_REPORT). */
const MASK_CHIP_KEY = 1 << 1
const SIGNING_KEY_SHIFT = 2
const [VCEK, VLEK] = [0, 1]

/** Turin's KDS names a chip by the first 8 bytes of CHIP_ID; the others have 64. */
const HWID_BYTES: Readonly<Record<AmdProduct, number>> = { milan: 64, genoa: 64, turin: 8 }

/** Products that gave reports of version 2, which do not say of which they are. */
const BEFORE_VERSION_3: readonly AmdProduct[] = ['milan', 'genoa']

/**
 * What a report of SEV-SNP needs: the certificate of its chip, unless it came along, the certificates above
 * it, and what AMD revoked. A VLEK is given to cloud providers only: it has to come with the report.
 *
 * @throws `EVIDENCE_MALFORMED`, `COLLATERAL_EVIDENCE`
 */
export function snpNeeds(evidence: Uint8Array, given: Collateral): Need[] {
  const report = parseSnpReport(evidence)
  const signer = (report.KEY_FLAGS >> SIGNING_KEY_SHIFT) & 0b111
  if (signer !== VCEK && signer !== VLEK)
    throw collateralError('COLLATERAL_EVIDENCE', 'the report is not signed by a key of AMD', {
      expected: 'SIGNING_KEY 0 (VCEK) or 1 (VLEK)',
      found: `${signer}`,
    })
  const key = signer === VCEK ? 'vcek' : 'vlek'
  const named = productsGiven(given)
  const products =
    report.CPUID === undefined ? (named.length > 0 ? named : BEFORE_VERSION_3) : [cpuidProduct(report.CPUID)]
  if (key === 'vcek' && named.length === 0) return [vcekNeed(report, products)]
  return products.flatMap((product): Need[] => [
    { kind: 'amd-chain', key, product },
    { kind: 'amd-crl', key, product },
  ])
}

/** The certificate for the first product that has it; chain and CRL of that product follow from the answer. */
function vcekNeed(report: SnpReport, [product, ...others]: readonly AmdProduct[]): Need {
  if ((report.KEY_FLAGS & MASK_CHIP_KEY) !== 0)
    throw collateralError('COLLATERAL_EVIDENCE', 'the report hides which chip it is from', {
      expected: 'MASK_CHIP_KEY 0',
      hint: 'the owner of the machine has to give the certificate along with the report',
    })
  return {
    kind: 'amd-vcek',
    product: product!,
    hwid: toHex(report.CHIP_ID.subarray(0, HWID_BYTES[product!])),
    tcb: decodeTcb(product!, report.REPORTED_TCB),
    ...(others.length > 0 && { otherwise: vcekNeed(report, others) }),
  }
}

function cpuidProduct(cpuid: NonNullable<SnpReport['CPUID']>): AmdProduct {
  const product = productOfCpuid(cpuid)
  if (product !== undefined) return product
  throw collateralError('COLLATERAL_EVIDENCE', 'the report is from a product that is not known here', {
    found: `CPUID family ${cpuid.FAM_ID}, model ${cpuid.MOD_ID}`,
  })
}

/** Products whose endorsement keys are among the pieces that came with the report. */
function productsGiven(given: Collateral): AmdProduct[] {
  const products = Object.values(given)
    .flatMap(endorsementKeysIn)
    .flatMap(({ productName }) => productOfName(productName) ?? [])
  return [...new Set(products)]
}

/** Endorsement keys of a piece, DER or PEM; none where it is something else, which is not for here to judge. */
function endorsementKeysIn(piece: Uint8Array): EndorsementKey[] {
  const attempt = <T>(run: () => T[]): T[] => {
    try {
      return run()
    } catch {
      return []
    }
  }
  const ders = piece[0] === 0x30 ? [piece] : attempt(() => certificatesOfPem(fromUtf8(piece)))
  return ders.flatMap((der) => attempt(() => [parseEndorsementKey(parseCertificate(der))]))
}
