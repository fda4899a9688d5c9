import type { StackApp } from '../../stack/app.ts'
import type { StackOptions } from '../../stack/types.ts'
import type { RunningDeployment } from '../../stack/running.ts'
import { CONSOLE_ORIGINS } from '../../stack/console-origins.ts'
import { type Prepared, splitModels } from '../prepare.ts'

/** What the stack of this machine is started with for a deployment. */
export function stackOptionsOf(
  prepared: Prepared,
): Pick<
  StackOptions,
  'models' | 'extraModels' | 'aliases' | 'app' | 'replicas' | 'expiresAt' | 'browserOrigins'
> {
  const { file } = prepared
  const { names, folders } = splitModels(file.models)
  return {
    models: names,
    extraModels: folders,
    aliases: file.aliases,
    app: appOf(prepared),
    replicas: file.resources.replicas,
    expiresAt: file.expiresAt,
    browserOrigins: CONSOLE_ORIGINS,
  }
}

/** How a running stack says which deployment it is. */
export function runningDeploymentOf({ file, code, digest }: Prepared): RunningDeployment {
  return {
    name: file.name,
    digest,
    ...(code && { app: { name: file.name, sha256: code.sha256 } }),
    replicas: file.resources.replicas,
    ...(file.expiresAt !== undefined && { expiresAt: file.expiresAt }),
  }
}

/** The app of a deployment as a stack takes it. */
export function appOf({ file, code, secrets }: Prepared): StackApp | undefined {
  const { app, name } = file
  if (app === undefined || code === undefined) return undefined
  return {
    name,
    code: { tar: code.tar, sha256: code.sha256, sealed: app.sealed },
    command: app.command,
    env: app.env,
    port: app.port,
    healthcheck: app.health,
    secrets,
    memoryBytes: app.memory,
  }
}
