import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { cliError } from '../../errors.ts'
import { CLUSTER_ROLES, type ClusterRole } from '../file/index.ts'
import type { AppliedRendering } from '../record/records.ts'
import type { ClusterTarget } from './deploy.ts'
import type { ClusterPlan } from './plan.ts'

/**
 * Roles that were handed over before, or lie rendered in the output folder, and are not in this plan: one that is not whole yet.
 * Handed over, it would take them away.
 */
export async function rolesLost(
  { roles }: ClusterPlan,
  output: string,
  applied: AppliedRendering | undefined,
): Promise<ClusterRole[]> {
  const files = await readdir(join(output, 'config')).catch(() => [])
  const before = [...(applied?.roles ?? []), ...files.map((file) => file.replace(/\.json$/, ''))]
  return CLUSTER_ROLES.filter((role) => before.includes(role) && !roles.some(({ name }) => name === role))
}

/** @throws `DEPLOY_TARGET` (fix-input) where handing a plan over would end what serves */
export function requireNoneLost(
  lost: readonly ClusterRole[],
  { waitsFor }: ClusterPlan,
  output: string,
): void {
  if (lost.length === 0) return
  throw cliError('DEPLOY_TARGET', `this would take away what was there before: ${lost.join(', ')}`, {
    expected: waitsFor.join('; '),
    hint: `give that; or where none of it runs any more, remove ${output}, or name another folder with -o`,
  })
}

/** A release in another namespace would go on, and be known to nobody here. @throws `DEPLOY_TARGET` (fix-input) */
export function requireSameNamespace(
  { name, cluster }: ClusterPlan,
  target: ClusterTarget,
  applied: AppliedRendering | undefined,
): void {
  const before = applied?.namespace
  if (before === undefined || before === cluster.namespace) return
  throw cliError('DEPLOY_TARGET', `${name} is in another namespace`, {
    expected: before,
    found: cluster.namespace,
    hint: `take it away there first: sotto stop ${name} --target ${target}`,
  })
}
