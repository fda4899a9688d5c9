import { fakeConfidentialSpace, type FakeSpaceTokenOptions } from '@sotto/testkit/tokens'
import { FAKE_NOW } from '@sotto/testkit/x509'
import type { EvidenceInput, EvidenceVerdict } from '@sotto/verifier/family'
import { type ConfidentialSpacePolicy, verifyConfidentialSpace } from '@sotto/verifier/gcp'

export const google = fakeConfidentialSpace()
export const judge = (
  options: FakeSpaceTokenOptions = {},
  input: Partial<EvidenceInput<ConfidentialSpacePolicy>> = {},
): EvidenceVerdict =>
  verifyConfidentialSpace(
    { evidence: google.token(options), collateral: {}, at: FAKE_NOW, ...input },
    { roots: google.roots },
  )
/** Failed steps without the name of the family, with their classes. */
export const failed = ({ steps }: EvidenceVerdict): Record<string, string | undefined> =>
  Object.fromEntries(
    steps
      .filter(({ status }) => status === 'fail')
      .map((step) => [step.name.replace('gcp-confidential-space.', ''), step.class]),
  )
