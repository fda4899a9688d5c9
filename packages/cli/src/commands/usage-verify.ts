import { parseSavedUsage } from '@sotto/protocol/usage'
import { acceptsSoftware, type UsageResult, verifyUsage } from '@sotto/verifier'
import { type Command, type CommandContext, defineCommand, exitCodeOfReceipt } from '../framework/index.ts'
import { openInput, parseSaved, readText } from '../input/index.ts'
import { readPolicy, resolvePolicyPath } from '../service/index.ts'
import { formatSteps } from '../terminal/index.ts'

/** One signed statement of at most 64 models, and a certificate with proofs. */
const MAX_USAGE_BYTES = 1024 * 1024

/** `sotto usage verify FILE` */
export const usageVerify: Command = defineCommand({
  path: ['usage', 'verify'],
  summary: 'Check counts of usage that an enclave signed, offline',
  description:
    'Checks the chain from the genesis your policy pins to the enclave, and its signature under the counts: ' +
    'requests, seconds of audio and tokens per model since it started, and nothing about anybody. The ' +
    'operator fetches them at /usage of the port for metrics. Exit code 3: not authentic, 5: of another KMS.',
  arguments: [{ name: 'FILE', summary: 'counts, or - for standard input', required: true }],
  flags: {
    policy: { type: 'string', value: 'FILE', summary: 'trust policy (SOTTO_POLICY)' },
  },
  examples: ['curl -s http://127.0.0.1:9464/usage | sotto usage verify - --policy policy.json'],
  async run(context, args, flags) {
    const text = await readText(await openInput(context.io, args), MAX_USAGE_BYTES)
    const saved = parseSaved(text, parseSavedUsage, {
      what: 'statement of usage',
      hint: 'name a file with what /usage answered',
    })
    const policy = await readPolicy(await resolvePolicyPath(context, flags))
    const result = verifyUsage(saved, policy)
    const software = acceptsSoftware(policy)
    if (context.global.json) context.json({ ...result, software })
    else print(context, result, software)
    return exitCodeOfReceipt(result)
  },
})

function print(context: CommandContext, { ok, steps, statement }: UsageResult, software: boolean): void {
  const { out } = context.style
  for (const line of formatSteps(steps, out)) context.out(line)
  context.out('')
  for (const { model, requests, audioSeconds, inputTokens, outputTokens } of statement?.models ?? []) {
    context.out(`model ${model}`)
    context.out(
      `  ${requests} requests, ${audioSeconds} s of audio, ${inputTokens} tokens in, ${outputTokens} out`,
    )
  }
  context.out(ok ? out.green('the counts hold') : out.red('the counts do not hold'))
  if (software) context.out(out.yellow('software TEE: not hardware'))
}
