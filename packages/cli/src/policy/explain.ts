import { toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { describeTrustPolicy, encodeTrustPolicy, parseTrustPolicy, type TrustPolicy } from '@sotto/verifier'
import { encodeEvidencePolicy, explainPolicy, explainTuple, FAMILY_REGISTRY } from '@sotto/verifier/appraisal'
import { type Command, defineCommand } from '../framework/index.ts'
import { printableLine } from '../terminal/index.ts'
import { malformed, notThisKind, type PolicyFile, readPolicyFile, requireEvidencePolicy } from './document.ts'

/** `sotto policy explain FILE` */
export const policyExplain: Command = defineCommand({
  path: ['policy', 'explain'],
  summary: 'Say in plain sentences what a policy admits',
  description:
    'Reads an evidence policy or a trust policy, told apart by content, and says what it admits, what it ' +
    'refuses and whom one trusts by it. The digest names exactly this policy, however it is written.',
  arguments: [{ name: 'FILE', summary: 'policy, or - for standard input', required: true }],
  flags: {},
  examples: ['sotto policy explain policy.json'],
  async run(context, args) {
    const file = await readPolicyFile(context.io, args)
    const { name, digest, lines } = explain(file)
    if (context.global.json) return context.json({ kind: file.kind, name, digest, lines })
    for (const line of lines) context.out(printableLine(line))
    context.out(`SHA-256 of its canonical form: ${digest}`)
  },
})

function explain(file: PolicyFile): { name: string; digest: string; lines: string[] } {
  if (file.kind === 'trust') {
    const policy = readTrustPolicy(file)
    return {
      name: policy.name,
      digest: digestOf(encodeTrustPolicy(policy)),
      lines: [
        `Policy ${policy.name} accepts one service.`,
        ...describeTrustPolicy(policy),
        'Whatever program runs, its hardware must be one of these.',
        ...policy.platforms.flatMap((platform) => explainTuple(platform, FAMILY_REGISTRY, 'Platform')),
      ],
    }
  }
  if (file.kind === undefined) throw notThisKind(file, 'a policy')
  const policy = requireEvidencePolicy(file)
  return { name: policy.name, digest: digestOf(encodeEvidencePolicy(policy)), lines: explainPolicy(policy) }
}

function readTrustPolicy({ label, text }: PolicyFile): TrustPolicy {
  try {
    return parseTrustPolicy(text)
  } catch (cause) {
    throw malformed(label, 'a trust policy', cause)
  }
}

function digestOf(canonical: Uint8Array): string {
  return toHex(crypto.sha256(canonical))
}
