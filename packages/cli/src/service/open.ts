import { connect, type ConnectOptions, type Sotto } from '@sotto/client'
import { fileStorage } from '@sotto/client/node'
import { stateDirectory } from '../config/index.ts'
import type { CommandContext } from '../framework/index.ts'
import { announceSoftware } from './banner.ts'
import { resolveTarget, type Target, type TargetFlags } from './target.ts'
import { resolveTokens } from './tokens.ts'
import { announceVerdict } from './verdict-line.ts'

/**
 * Verifies the configured service and connects to it. Nothing but the request for the trust bundle
 * has been sent when this resolves.
 */
export async function openService(
  context: CommandContext,
  flags: TargetFlags,
  lives: { isLongLived: boolean } = { isLongLived: false },
): Promise<Sotto> {
  const target = await resolveTarget(context, flags)
  const sotto = await connect(target.host, {
    ...connectOptions(context, target),
    ...(await resolveTokens(context, target, lives)),
    onStep: (step) => context.detail(`${step.status.padEnd(7)} ${step.name}`),
  })
  announceSoftware(context, sotto.trust)
  announceVerdict(context, sotto.trust)
  context.detail(`verified ${target.host} by ${target.policyPath}`)
  return sotto
}

/** What the command line passes to the client for a target. */
export function connectOptions(context: CommandContext, target: Target): ConnectOptions {
  return {
    policy: target.policy,
    gateway: target.gateway,
    ...(target.log !== undefined && { log: target.log }),
    fetch: context.io.fetch,
    now: () => Math.floor(context.io.now() / 1000),
    storage: fileStorage(stateDirectory(context.io)),
    signal: context.signal,
  }
}
