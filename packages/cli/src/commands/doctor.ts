import { resolve } from 'node:path'
import { SottoError } from '@sotto/protocol/errors'
import { type Finding, machineFindings, stackFinding, thisMachine } from '../doctor/index.ts'
import { type Command, type CommandContext, defineCommand, EXIT } from '../framework/index.ts'
import { readPolicy } from '../service/index.ts'
import { STATE_FOLDER } from '../stack/running.ts'

/** `sotto doctor` */
export const doctor: Command = defineCommand({
  path: ['doctor'],
  summary: 'Say what this machine has and what is set up',
  flags: {},
  async run(context) {
    const findings = [...(await machineFindings(thisMachine())), ...(await setupFindings(context))]
    const broken = findings.some((finding) => finding.status === 'broken')
    if (context.global.json) context.json({ ok: !broken, findings })
    else for (const finding of findings) context.out(line(context, finding))
    return broken ? EXIT.failure : EXIT.ok
  },
})

function line(context: CommandContext, { name, status, found }: Finding): string {
  const style = context.style.out
  const mark = { ok: style.green('✓'), absent: style.dim('-'), broken: style.red('✗') }[status]
  return `${mark} ${name.padEnd(22)} ${found}`
}

async function setupFindings(context: CommandContext): Promise<Finding[]> {
  const findings: Finding[] = [await stackFinding(resolve(context.io.cwd, STATE_FOLDER))]
  try {
    const config = await context.config()
    const host = config.get('host')
    findings.push(
      host === undefined
        ? { name: 'host', status: 'absent', found: 'not set' }
        : { name: 'host', status: 'ok', found: `${host.value} (${host.origin})` },
    )
    const policy = config.get('policy')
    if (policy === undefined) findings.push({ name: 'policy', status: 'absent', found: 'not set' })
    else {
      const { name } = await readPolicy(policy.value)
      findings.push({ name: 'policy', status: 'ok', found: `${name}: ${policy.value} (${policy.origin})` })
    }
  } catch (error) {
    if (!(error instanceof SottoError)) throw error
    findings.push({ name: 'configuration', status: 'broken', found: error.message })
  }
  return findings
}
