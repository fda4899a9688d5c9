import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { cliError } from '../../errors.ts'
import type { CommandContext } from '../../framework/index.ts'
import { findProgram } from '../../process/index.ts'
import { findLayout } from '../../stack/layout.ts'
import type { ClusterTarget } from './deploy.ts'
import { valueFiles } from './kubernetes.ts'
import { parameterNames, parametersFile, requireParameters } from './parameters.ts'
import type { ClusterPlan } from './plan.ts'

/** A program and what it is told. */
interface Step {
  program: string
  args: string[]
}

/** Where a target gets its program. */
const INSTALL: Readonly<Record<string, string>> = {
  docker: 'install Docker with the compose plugin',
  helm: 'install Helm 3, and choose the cluster with kubectl config use-context',
  az: 'install the Azure CLI, and run az login',
}

/**
 * Makes ready to hand rendered files over to the target's own program. The same files handed over again change nothing.
 * @returns what hands them over, and throws `DEPLOY_TARGET` where the program fails
 * @throws `DEPLOY_TARGET` for what is not here: a program, parameters; `CLI_FILE` for parameters that others may read
 */
export async function prepareHandOver(
  context: CommandContext,
  plan: ClusterPlan,
  target: ClusterTarget,
  output: string,
): Promise<() => Promise<void>> {
  const steps = applySteps(plan, target, output)
  for (const { program } of steps) programPath(context, program, APPLYING)
  if (target === 'aci') await requireParameters(plan, output)
  return () => runSteps(context, steps, APPLYING)
}

/** The same as lines for a shell. @param output folder as the shell finds it */
export function handOverLines(plan: ClusterPlan, target: ClusterTarget, output: string): string[] {
  return applySteps(plan, target, output).map(({ program, args }) =>
    [program, ...args].map(shellWord).join(' '),
  )
}

/** A word as a POSIX shell reads it back. */
function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

/** What was handed over. */
export interface Applied {
  name: string
  target: ClusterTarget
  /** Folder of what was rendered. */
  output: string
  /** Kubernetes only. */
  namespace?: string | undefined
}

/** Takes a deployment away with the program that brought it. @throws `DEPLOY_TARGET` */
export function removeApplied(context: CommandContext, applied: Applied): Promise<void> {
  return runSteps(context, removeSteps(applied), REMOVING)
}

/** On this machine only the untrusted roles: a measured one has a machine of its own. */
const COMPOSE_HERE = ['--profile', 'edge'] as const

function applySteps(plan: ClusterPlan, target: ClusterTarget, output: string): Step[] {
  const { name, cluster, roles } = plan
  if (target === 'compose')
    return [
      {
        program: 'docker',
        args: ['compose', '-f', join(output, 'compose.yaml'), ...COMPOSE_HERE, 'up', '-d'],
      },
    ]
  if (target === 'kubernetes') {
    const where = ['--namespace', cluster.namespace, '--create-namespace']
    const values = ['--values', helmList(join(output, 'values.yaml'))]
    const files = valueFiles(plan).flatMap(([value, file]) => [
      '--set-file',
      `${value}=${helmText(join(output, file))}`,
    ])
    // Without waiting: enclaves become ready only once members have decided.
    const args = ['upgrade', '--install', name, findLayout().chart, ...where, ...values, ...files]
    return [{ program: 'helm', args }]
  }
  // A group has one policy, and so one measured role.
  return roles
    .filter(({ isMeasured }) => isMeasured)
    .map((role) => ({
      program: 'az',
      args: ['deployment', 'group', 'create', '--resource-group', name].concat(
        ['--name', `${name}-${role.name}`],
        ['--template-file', join(output, `${role.name}.template.json`)],
        // By the name of their file: arguments are seen by everybody on this machine.
        parameterNames(role).length === 0 ? [] : ['--parameters', `@${join(output, parametersFile(role))}`],
      ),
    }))
}

/** A path where Helm reads a list of paths, as one record of CSV. */
function helmList(path: string): string {
  return /[",]/.test(path) ? `"${path.replaceAll('"', '""')}"` : path
}

/** A path behind `=`, where a comma would end it. */
function helmText(path: string): string {
  return path.replaceAll(/[\\,]/g, String.raw`\$&`)
}

function removeSteps({ name, target, output, namespace = 'sotto' }: Applied): Step[] {
  if (target === 'compose')
    return [
      { program: 'docker', args: ['compose', '-f', join(output, 'compose.yaml'), ...COMPOSE_HERE, 'down'] },
    ]
  if (target === 'kubernetes')
    return [
      {
        program: 'helm',
        args: ['uninstall', name, '--namespace', namespace, '--wait', '--ignore-not-found'],
      },
    ]
  return ['inference', 'kms'].map((role) => ({
    program: 'az',
    args: ['container', 'delete', '--resource-group', name, '--name', `${name}-${role}`, '--yes'],
  }))
}

/** What to do where a program is missing, and where it failed. */
interface Hints {
  missing: string
  failed: string
}

const APPLYING: Hints = {
  missing: 'leave out --apply and hand the files over elsewhere',
  failed: 'deploy again once it is mended: what is there already stays',
}
const REMOVING: Hints = {
  missing: 'take it away where it is',
  failed: 'stop it again once it is mended: nothing was forgotten',
}

async function runSteps(context: CommandContext, steps: readonly Step[], hints: Hints): Promise<void> {
  for (const step of steps) await runStep(context, step, hints)
}

function programPath(context: CommandContext, program: string, hints: Hints): string {
  const path = findProgram(program, context.io.env['PATH'])
  if (path !== undefined) return path
  throw cliError('DEPLOY_TARGET', `${program} is not on this machine`, {
    hint: `${INSTALL[program]!}, or ${hints.missing}`,
  })
}

async function runStep(context: CommandContext, { program, args }: Step, hints: Hints): Promise<void> {
  const path = programPath(context, program, hints)
  context.note(`${program} ${args.join(' ')}`)
  const child = spawn(path, args, { env: context.io.env, stdio: ['ignore', 2, 2] })
  const end = (): void => void child.kill('SIGTERM')
  context.signal.addEventListener('abort', end, { once: true })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', resolve)
  })
  context.signal.throwIfAborted()
  if (code === 0) return
  throw cliError('DEPLOY_TARGET', `${program} failed`, {
    found: code === null ? 'ended by a signal' : `exit code ${code}`,
    hint: `what it printed is above; ${hints.failed}`,
  })
}
