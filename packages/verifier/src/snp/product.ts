import type { SnpReport } from './report.ts'

/** Processor lines with an endorsement root of their own. Genoa covers Bergamo and Siena. */
export const SNP_PRODUCTS = ['milan', 'genoa', 'turin'] as const

/** Name of a processor line, as KDS has it in lower case. */
export type SnpProduct = (typeof SNP_PRODUCTS)[number]

/** Names of productName (AMD 57230, table VCEK certificate fields), before the stepping. */
const NAMES: Readonly<Record<SnpProduct, string>> = { milan: 'Milan', genoa: 'Genoa', turin: 'Turin' }

/** CPUID family and model numbers (AMD 56860, CPUID_FAM_ID and CPUID_MOD_ID; AMD processor programming references). */
const CPUID_MODELS: readonly { product: SnpProduct; family: number; first: number; last: number }[] = [
  { product: 'milan', family: 0x19, first: 0x00, last: 0x0f },
  { product: 'genoa', family: 0x19, first: 0x10, last: 0x1f },
  { product: 'genoa', family: 0x19, first: 0xa0, last: 0xaf },
  { product: 'turin', family: 0x1a, first: 0x00, last: 0x11 },
]

/** Product by the CPUID bytes of a report; undefined for one whose layouts and root are not known here. */
export function productOfCpuid({ FAM_ID, MOD_ID }: NonNullable<SnpReport['CPUID']>): SnpProduct | undefined {
  return CPUID_MODELS.find(
    ({ family, first, last }) => FAM_ID === family && MOD_ID >= first && MOD_ID <= last,
  )?.product
}

/** Product by productName of a certificate, `Milan-B0` or `Turin`; undefined for another. */
export function productOfName(name: string): SnpProduct | undefined {
  const [line] = name.split('-', 1)
  return SNP_PRODUCTS.find((product) => NAMES[product] === line)
}

/** Common name of the intermediate that certifies keys of one kind: ASK for VCEK, ASVK for VLEK (AMD 57230). */
export function issuerName(product: SnpProduct, kind: 'VCEK' | 'VLEK'): string {
  return kind === 'VCEK' ? `SEV-${NAMES[product]}` : `SEV-VLEK-${NAMES[product]}`
}
