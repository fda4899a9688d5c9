import { resolve } from 'node:path'
import type { Step } from '@sotto/verifier'
import { cliError } from '../errors.ts'
import { type CommandContext, EXIT } from '../framework/index.ts'
import { readPolicy, resolvePolicyPath, type TargetFlags } from '../service/index.ts'
import { formatSteps } from '../terminal/index.ts'
import { compareReleases } from './compare.ts'
import { type Claimed, claimedByService } from './claimed.ts'
import { releasesOfFile } from './expected.ts'
import { rebuild, requireTrust } from './rebuild.ts'
import { readManifest, readReleaseFile } from './release-file.ts'

/** Flags of `sotto verify` that this takes. */
export interface SourceFlags extends Omit<TargetFlags, 'host'> {
  readonly source: string | undefined
  readonly release: string | undefined
}

/**
 * `sotto verify --source DIR`: rebuilds a checkout and compares what it measures with a release, or with the
 * releases of a running service. A refused release is not rebuilt: nothing could come of it.
 */
export async function verifySource(
  context: CommandContext,
  target: string | undefined,
  flags: SourceFlags,
): Promise<number> {
  const folder = resolve(context.io.cwd, flags.source!)
  if (flags.release !== undefined && target !== undefined)
    throw cliError('CLI_USAGE', 'a release file and a service are two things to compare with', {
      hint: 'leave out --release or TARGET',
    })
  const file = flags.release === undefined ? undefined : resolve(context.io.cwd, flags.release)
  const claimed =
    file !== undefined
      ? await claimedByFile(context, file, flags)
      : await claimedByService(context, target, flags)
  const isRefused = claimed.steps.some(
    ({ status, required }) => status === 'fail' || (required && status !== 'pass'),
  )
  if (isRefused || claimed.releases.length === 0)
    // Where nothing was compared nothing is proven, whatever the service's own verdict is.
    return report(
      context,
      folder,
      claimed.steps,
      claimed.refused === EXIT.ok ? EXIT.refused : claimed.refused,
    )
  await requireTrust(context, folder)
  context.note(`building ${folder} (${claimed.flavour} images) ...`)
  const rebuilt = await rebuild(context, folder, claimed.flavour, [
    ...new Set(claimed.releases.map(({ role }) => role)),
  ])
  const compared = await compareReleases(claimed.releases, rebuilt, async ({ role, digest }) =>
    file === undefined ? undefined : readManifest(file, role, digest),
  )
  const isSame = compared.every(({ status }) => status === 'pass')
  return report(context, folder, [...claimed.steps, ...compared], isSame ? EXIT.ok : EXIT.refused)
}

async function claimedByFile(context: CommandContext, file: string, flags: SourceFlags): Promise<Claimed> {
  const release = await readReleaseFile(file)
  const policy = await readPolicy(await resolvePolicyPath(context, flags))
  if (release.arch !== process.arch)
    throw cliError('CLI_FILE', 'the release is for another processor', {
      expected: process.arch,
      found: release.arch,
      hint: 'rebuild it on such a machine',
    })
  const { steps, releases } = releasesOfFile(release, policy)
  return { steps, releases, flavour: release.flavour, refused: EXIT.notAuthentic }
}

function report(context: CommandContext, source: string, steps: readonly Step[], code: number): number {
  const ok = code === EXIT.ok
  if (context.global.json) context.json({ source, ok, steps })
  else {
    const style = context.style.out
    for (const line of formatSteps(steps, style)) context.out(line)
    for (const { name, status, found } of steps)
      if (name.includes('.measurement') && name.startsWith('source.') && status === 'pass')
        context.out(`    ${name} ${found}`)
    context.out('')
    context.out(
      ok
        ? style.green('the source builds exactly what is released')
        : style.red('it is not proven that this source is what runs'),
    )
  }
  return code
}
