import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Step } from '@sotto/verifier'
import { packCode } from '../deploy/app/pack.ts'
import { readDeploymentFile } from '../deploy/file/index.ts'
import { cliError } from '../errors.ts'
import { type CommandContext, EXIT } from '../framework/index.ts'
import type { TargetFlags } from '../service/index.ts'
import { formatSteps } from '../terminal/index.ts'
import { claimedByService } from './claimed.ts'
import type { ExpectedRelease } from './expected.ts'

/** Flags of `sotto verify` that this takes. */
export interface AppFlags extends Omit<TargetFlags, 'host'> {
  readonly app: string | undefined
}

/**
 * `sotto verify --app DIR`: verifies a service as any client does, packs a folder of code as `sotto deploy` does, and
 * compares it with the app that every release of the service names. Nothing of the code is run.
 */
export async function verifyApp(
  context: CommandContext,
  target: string | undefined,
  flags: AppFlags,
): Promise<number> {
  const folder = await codeFolder(resolve(context.io.cwd, flags.app!))
  const [{ sha256 }, claimed] = await Promise.all([
    packCode(folder),
    claimedByService(context, target, flags),
  ])
  const compared = compareApps(claimed.releases, sha256)
  const isSame = compared.length > 0 && compared.every(({ status }) => status === 'pass')
  const code = isSame ? EXIT.ok : claimed.refused === EXIT.ok ? EXIT.refused : claimed.refused
  const steps = [...claimed.steps, ...compared]
  if (context.global.json) context.json({ source: folder, sha256, ok: isSame, steps })
  else {
    const style = context.style.out
    for (const line of formatSteps(steps, style)) context.out(line)
    context.out(`    app ${sha256}`)
    context.out('')
    context.out(
      isSame
        ? style.green('this code is exactly the app that runs')
        : style.red('it is not proven that this code is the app that runs'),
    )
  }
  return code
}

/** One step for each release of an enclave: whether its app is this code. */
export function compareApps(releases: readonly ExpectedRelease[], sha256: string): Step[] {
  return releases
    .filter(({ role }) => role === 'inference')
    .map(({ name, app }, index): Step => {
      const step = {
        name: `source.app${index === 0 ? '' : `-${index + 1}`}`,
        required: true,
        title: `This code is the app of ${name}`,
        expected: app?.sha256 ?? 'an app',
        found: sha256,
      }
      if (app?.sha256 === sha256) return { ...step, status: 'pass' }
      return {
        ...step,
        status: 'fail',
        reason: app === undefined ? 'this release runs no app' : 'the app that runs has other code',
        ...(app === undefined && { found: 'none' }),
      }
    })
}

/** The folder of code itself, or that of a deployment. */
async function codeFolder(place: string): Promise<string> {
  const isDeployment = place.endsWith('.yaml') && (await stat(place).catch(() => undefined))?.isFile()
  if (!isDeployment) return place
  const { app, path } = await readDeploymentFile(place)
  if (app !== undefined) return app.code
  throw cliError('DEPLOY_FILE', `${path} has no app`, { hint: 'name the folder of the code' })
}
