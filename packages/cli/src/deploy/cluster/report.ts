import { relative } from 'node:path'
import type { CommandContext } from '../../framework/index.ts'
import type { ClusterRole } from '../file/index.ts'
import { handOverLines } from './apply.ts'
import { composeNeeds } from './compose.ts'
import type { ClusterOptions, ClusterTarget } from './deploy.ts'
import { kubernetesNeeds } from './kubernetes.ts'
import { parameterNeeds } from './parameters.ts'
import type { ClusterPlan } from './plan.ts'
import type { RenderedFile } from './rendered.ts'

/** Says what was rendered, and what is left for people to do. @param lost roles that it would take away */
export function report(
  context: CommandContext,
  plan: ClusterPlan,
  target: ClusterTarget,
  output: string,
  files: readonly RenderedFile[],
  options: ClusterOptions,
  lost: readonly ClusterRole[],
): void {
  const { roles, waitsFor, name } = plan
  const applied = options.apply && !options.dryRun
  if (context.global.json)
    return context.json({
      name,
      target,
      output,
      files: files.map(({ path }) => path),
      roles: roles.map(({ name: role, image, configDigest, isMeasured }) => ({
        role,
        image,
        configDigest,
        isMeasured,
      })),
      waitsFor,
      takesAway: lost,
      applied,
    })
  context.out(
    `${name} for ${target}${options.dryRun ? ', nothing was written' : ` in ${relative(context.io.cwd, output) || '.'}`}`,
  )
  for (const { path } of files) context.out(`  ${path}`)
  const { what, digests } = measuredOf(plan, target, files)
  if (digests.length > 0) context.out(`${what}:`)
  for (const [role, digest] of digests) context.out(`  ${role.padEnd(10)} ${digest}`)
  for (const missing of waitsFor) context.warn(`the enclave is not in it yet: it waits for ${missing}`)
  if (lost.length > 0)
    context.warn(`do not hand it over: that would take away what was there before: ${lost.join(', ')}`)
  else if (!applied) sayHandOver(context, plan, target, output, options)
}

/** What a release has to say of each measured role. */
function measuredOf(
  { roles, cluster }: ClusterPlan,
  target: ClusterTarget,
  files: readonly RenderedFile[],
): { what: string; digests: [role: string, digest: string][] } {
  const measured = roles.filter(({ isMeasured }) => isMeasured)
  if (target === 'aci')
    return {
      what: 'what hardware has to report of the policy',
      digests: measured.flatMap(({ name }) =>
        files
          .filter(({ path }) => path === `${name}.hostdata`)
          .map(({ text }): [string, string] => [name, text.trim()]),
      ),
    }
  return {
    what:
      cluster.tee === 'azure-cvm'
        ? 'the configuration that has to lie in the image'
        : 'what hardware has to report of the configuration',
    digests: measured.map(({ name, configDigest }) => [name, configDigest]),
  }
}

/** What has to be there that nobody renders, a line each. */
const NEEDS: Readonly<Record<ClusterTarget, (plan: ClusterPlan) => string[]>> = {
  compose: composeNeeds,
  kubernetes: kubernetesNeeds,
  aci: parameterNeeds,
}

/** What is left for people to do. Nothing where there is nothing to hand over yet. */
function sayHandOver(
  context: CommandContext,
  plan: ClusterPlan,
  target: ClusterTarget,
  output: string,
  { images }: ClusterOptions,
): void {
  if (target === 'aci' && images === undefined) return
  const needs = NEEDS[target](plan)
  const where =
    target === 'kubernetes'
      ? `the namespace ${plan.cluster.namespace}`
      : relative(context.io.cwd, output) || 'this folder'
  if (needs.length > 0) context.note(`first, in ${where}:`)
  for (const need of needs) context.note(`  ${need}`)
  const near = relative(context.io.cwd, output)
  context.note('hand it over with --apply, or yourself:')
  for (const line of handOverLines(plan, target, /^(?:\.\.(?:\/|$)|-|$)/.test(near) ? output : near))
    context.note(`  ${line}`)
  if (target === 'compose')
    context.note('and kms and enclave on their own machines, with --profile kms and --profile enclave')
}
