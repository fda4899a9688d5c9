import { fakeAmd, type FakeChip } from '@sotto/testkit/snp'
import { FAKE_NOW } from '@sotto/testkit/x509'
import type { EvidenceInput, EvidenceVerdict } from '@sotto/verifier/family'
import { type SevSnpPolicy, verifySevSnp } from '@sotto/verifier/snp'

/** One AMD for all tests of a file: its keys cost more than the tests. */
export const amd = fakeAmd()

/** Judges a report of a chip under the fake roots. */
export function judge(
  chip: FakeChip,
  input: Partial<EvidenceInput<SevSnpPolicy>> = {},
  roots = amd.roots,
): EvidenceVerdict {
  const { evidence = chip.report(), collateral = chip.collateral, at = FAKE_NOW } = input
  return verifySevSnp({ ...input, evidence, collateral, at }, roots)
}

/** Failed steps with their classes. */
export function failed({ steps }: Pick<EvidenceVerdict, 'steps'>): Record<string, string | undefined> {
  return Object.fromEntries(
    steps.filter(({ status }) => status === 'fail').map((step) => [step.name, step.class]),
  )
}

export function statusOf({ steps }: Pick<EvidenceVerdict, 'steps'>, name: string): string | undefined {
  return steps.find((step) => step.name === name)?.status
}
