import { checkTrust } from '@sotto/client'
import { refusingSteps, type Step, type Verdict } from '@sotto/verifier'
import { type Command, type CommandContext, defineCommand, exitCodeOfVerdict } from '../framework/index.ts'
import {
  announceSoftware,
  connectOptions,
  resolveTarget,
  stackTrouble,
  TARGET_FLAGS,
} from '../service/index.ts'
import { formatSteps, printableLine } from '../terminal/index.ts'

const { host: _host, ...FLAGS } = TARGET_FLAGS

/** `sotto verify [URL]` */
export const verify: Command = defineCommand({
  path: ['verify'],
  summary: 'Check a service step by step, sending it nothing',
  description:
    'Fetches the trust bundle through the relay and checks every step of the chain of trust against ' +
    'your policy. Your policy names every step that must pass; the others may be skipped, with the reason, ' +
    'but none may fail. Exit code 0 accepted, 3 something is not authentic, 5 authentic but refused by the ' +
    'policy, 6 the bundle could not be fetched.',
  arguments: [{ name: 'URL', summary: 'relay (default: the configured host)', required: false }],
  flags: FLAGS,
  examples: ['sotto verify https://relay.example --policy policy.json', 'sotto verify --json | jq .ok'],
  async run(context, [url], flags) {
    const target = await resolveTarget(context, { ...flags, host: url })
    context.note(`checking ${target.host} (gateway ${target.gateway}) against ${target.policyPath}`)
    const verdict = await checkTrust(target.host, connectOptions(context, target))
    if (context.global.json) context.json({ host: target.host, gateway: target.gateway, ...verdict })
    else printVerdict(context, verdict)
    announceSoftware(context, verdict)
    // The relay answers for a dead enclave as long as what it knows is fresh.
    const trouble = target.isLocalStack ? await stackTrouble(context) : undefined
    if (trouble !== undefined) context.warn(`warning: ${trouble}`)
    return exitCodeOfVerdict(verdict)
  },
})

function printVerdict(context: CommandContext, verdict: Verdict): void {
  const style = context.style.out
  for (const line of formatSteps(verdict.steps, style)) context.out(line)
  const count = (status: Step['status']): number =>
    verdict.steps.filter((step) => step.status === status).length
  const counts = `${count('pass')} passed, ${count('fail')} failed, ${count('skipped')} skipped`
  context.out('')
  context.out(verdict.ok ? style.green(`accepted: ${counts}`) : style.red(`refused: ${counts}`))
  if (!verdict.ok) {
    const names = refusingSteps(verdict.steps).map(({ name }) => name)
    context.out(style.red(`refused because of: ${names.join(', ')}`))
  }
  if (verdict.software) context.out(style.yellow('software TEE: not hardware'))
  if (verdict.ok) context.out(`valid until ${new Date(verdict.validUntil * 1000).toISOString()}`)
  context.out(`you trust: ${printableLine(verdict.trustedParties.join('; '))}`)
}
