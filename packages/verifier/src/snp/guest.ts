import type { SnpReport } from './report.ts'

/** Bits of POLICY (AMD 56860, table GUEST_POLICY). The owner of the guest chose them at launch. */
export const GUEST_POLICY = {
  SMT: 16,
  RESERVED_ONE: 17,
  MIGRATE_MA: 18,
  DEBUG: 19,
  SINGLE_SOCKET: 20,
  CXL_ALLOW: 21,
  MEM_AES_256_XTS: 22,
  RAPL_DIS: 23,
  CIPHERTEXT_HIDING_DRAM: 24,
  PAGE_SWAP_DISABLE: 25,
} as const
const FIRST_RESERVED_BIT = 26n

/** Bits of PLATFORM_INFO (AMD 56860, table PLATFORM_INFO): how the machine is configured now. */
export const PLATFORM_INFO = {
  SMT_EN: 0,
  TSME_EN: 1,
  ECC_EN: 2,
  RAPL_DIS: 3,
  CIPHERTEXT_HIDING_DRAM_EN: 4,
  ALIAS_CHECK_COMPLETE: 5,
} as const

/** Value of one bit of POLICY or PLATFORM_INFO. */
export function bitOf(value: bigint, bit: number): 0 | 1 {
  return ((value >> BigInt(bit)) & 1n) === 1n ? 1 : 0
}

/** Minimum firmware ABI that the guest demanded at launch. */
export function minimumAbi(policy: bigint): { major: number; minor: number } {
  return { major: Number((policy >> 8n) & 0xffn), minor: Number(policy & 0xffn) }
}

/** A bit of POLICY, and the value that is asked of it. */
export type PolicyDemand = readonly [bit: keyof typeof GUEST_POLICY, value: 0 | 1]

/** Bits of POLICY with another value than is asked, and those that no version up to 1.58 of the specification defines. */
export function policyDefects(policy: bigint, demands: readonly PolicyDemand[]): string[] {
  const defects = demands
    .filter(([bit, value]) => bitOf(policy, GUEST_POLICY[bit]) !== value)
    .map(([bit, value]) => `POLICY.${bit} is ${1 - value}, expected ${value}`)
  if (policy >> FIRST_RESERVED_BIT !== 0n) defects.push('POLICY has reserved bits set')
  return defects
}

/**
 * Why a guest keeps no secret, whatever it measured: each defect in the ABI's names; none for a
 * sound guest. Its owner chose these at launch, so they say nothing about authenticity.
 */
export function findGuestDefects({ POLICY, VMPL }: Pick<SnpReport, 'POLICY' | 'VMPL'>): string[] {
  const defects = policyDefects(POLICY, [
    ['DEBUG', 0],
    ['MIGRATE_MA', 0],
    ['RESERVED_ONE', 1],
  ])
  if (VMPL !== 0) defects.push(`VMPL is ${VMPL}, expected 0`)
  return defects
}
