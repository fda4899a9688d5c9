import type { SnpReport } from './report.ts'

/** Bits of the guest policy (ABI specification, table GUEST_POLICY). */
const RESERVED_ONE = 1n << 17n
const MIGRATE_MA = 1n << 18n
const DEBUG = 1n << 19n
const FIRST_RESERVED_BIT = 26n

/**
 * Why a guest keeps no secret, whatever it measured: each defect in the ABI's names; none for a
 * sound guest. Its owner chose these at launch, so they say nothing about authenticity.
 */
export function findGuestDefects({ POLICY, VMPL }: Pick<SnpReport, 'POLICY' | 'VMPL'>): string[] {
  const defects: string[] = []
  if ((POLICY & DEBUG) !== 0n) defects.push('POLICY.DEBUG is 1, expected 0')
  if ((POLICY & MIGRATE_MA) !== 0n) defects.push('POLICY.MIGRATE_MA is 1, expected 0')
  if ((POLICY & RESERVED_ONE) === 0n) defects.push('POLICY bit 17 is 0, expected 1')
  if (POLICY >> FIRST_RESERVED_BIT !== 0n) defects.push('POLICY has reserved bits set')
  if (VMPL !== 0) defects.push(`VMPL is ${VMPL}, expected 0`)
  return defects
}
