import type { Step } from '@sotto/verifier'
import type { EvidenceVerdict, Family, Reason } from '@sotto/verifier/family'

const KINDS: Record<Family, string> = {
  'sev-snp': 'an AMD SEV-SNP report: a virtual machine whose memory its host cannot read',
  tdx: 'an Intel TDX quote: a virtual machine whose memory its host cannot read',
  sgx: 'an Intel SGX quote: one process whose memory the rest of the machine cannot read',
  nitro: 'an AWS Nitro Enclaves document: a virtual machine without network or disk beside its parent',
  nvidia:
    'evidence of an NVIDIA GPU or switch in confidential mode; alone it protects nothing, the processor beside it must be proven too',
  'azure-cvm':
    'evidence of an Azure confidential VM: a hardware report, and a virtual TPM inside its protection that Microsoft runs if a step below says that this is proven',
  'azure-maa': "a token of Microsoft's attestation service, which says that it checked the hardware for you",
  'gcp-confidential-space':
    "a token of Google's attestation service, which says that it checked the hardware for you",
}

const MEANINGS: Record<Reason, string> = {
  malformed: 'It is not what it claims to be. Nobody should produce this; ask for fresh evidence.',
  algorithm: 'It is signed with something that proves nothing here.',
  signature: 'Something was changed after it was signed, or it was never signed.',
  chain: 'Whoever signed it is not vouched for by the vendor.',
  expired:
    'Something in it is not valid at this time. Fetch fresh collateral, or check with --at the time it is from.',
  revoked: 'The vendor has withdrawn a certificate in it. Do not use this machine.',
  'collateral-missing':
    'It may be good, but what would show it was not given: sotto collateral fetch gets it.',
  'collateral-invalid': 'A piece given with it is forged, damaged or about something else.',
  'certificate-binding': 'It comes with a genuine certificate of another chip or another firmware.',
  binding: 'It is genuine, but was made for something else: perhaps it is replayed.',
  debug: 'It is genuine, but whoever runs the machine can look inside.',
  'guest-policy': 'It is genuine, but was started in a way that keeps no secret.',
  tcb: 'It is genuine, but the firmware below it is older than your policy accepts.',
  measurement: 'It is genuine, but runs something else than your policy names.',
  'event-log': 'It is genuine, but the log of how it started is not the one that was measured.',
  issuer: 'The token is not from an issuer, or for a reader, that your policy names.',
  hardware: 'It is genuine, but from a chip that your policy does not name.',
}

/** Reference values of NVIDIA, which a verdict of its own can be about. */
function isManifest({ family, fields }: EvidenceVerdict): boolean {
  return family === 'nvidia' && fields['gpu_ids'] === undefined && fields['kind'] !== undefined
}

function kindOf(verdict: EvidenceVerdict): string {
  return isManifest(verdict)
    ? 'a manifest of reference values that NVIDIA signed: evidence of no device'
    : KINDS[verdict.family]
}

/** A verdict in plain words, one paragraph for each line. */
export function explainVerdict(verdict: EvidenceVerdict): string[] {
  const { authentic, acceptable, steps, trustedParties, validUntil } = verdict
  const lines = [`This is ${kindOf(verdict)}.`]
  if (isManifest(verdict) && acceptable)
    lines.push('It is genuine and current, and proves nothing about any machine.')
  else if (acceptable) lines.push('It is genuine, and everything your policy asks of it holds.')
  else if (authentic) lines.push('It is genuine, and not acceptable as it is.')
  else lines.push('It is not genuine, or cannot be shown to be. Send nothing.')
  const failed = steps.filter(({ status }) => status === 'fail')
  for (const { title, reason, class: of } of failed) {
    const meaning = of === undefined ? '' : ` ${MEANINGS[of]}`
    lines.push(`Not so: "${title}": ${reason ?? 'refused'}.${meaning}`)
  }
  for (const [reason, titles] of skippedByReason(steps))
    lines.push(`Not checked (${reason}): ${titles.join('; ')}.`)
  lines.push(`Whom you trust by relying on it: ${trustedParties.join('; ')}.`)
  if (acceptable && validUntil !== null) {
    lines.push(
      `Check again after ${new Date(validUntil * 1000).toISOString()}: then something in it expires.`,
    )
  }
  return lines
}

/** Titles of skipped steps under the reason they share; those that only follow from a failure are left out. */
function skippedByReason(steps: readonly Step[]): Map<string, string[]> {
  const byReason = new Map<string, string[]>()
  for (const { status, title, reason = '' } of steps) {
    if (status !== 'skipped' || reason.startsWith('not checked:')) continue
    byReason.set(reason, [...(byReason.get(reason) ?? []), title])
  }
  return byReason
}
