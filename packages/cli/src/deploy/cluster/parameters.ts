import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { cliError } from '../../errors.ts'
import { readPrivateFile } from '../../input/index.ts'
import type { ClusterPlan, PlannedRole } from './plan.ts'

const SCHEMA = 'https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#'
const MAX_BYTES = 65_536

/** Parameters of a role's template: secrets that whoever deploys gives, one each for a variable. */
export function parameterNames({ secretEnv }: Pick<PlannedRole, 'secretEnv'>): string[] {
  return Object.values(secretEnv)
}

/** Where their values are, below the output folder: an operator's file, which nothing here writes. */
export function parametersFile({ name }: Pick<PlannedRole, 'name'>): string {
  return `secrets/${name}.parameters.json`
}

/** Roles whose template takes parameters. */
function rolesWithParameters({ roles }: ClusterPlan): PlannedRole[] {
  return roles.filter((role) => role.isMeasured && parameterNames(role).length > 0)
}

/** What has to lie in the output folder before templates are handed over, a line each. */
export function parameterNeeds(plan: ClusterPlan): string[] {
  return rolesWithParameters(plan).flatMap((role) => [
    `${parametersFile(role)}, mode 0600, with your values in the place of …:`,
    `  ${exampleOf(role)}`,
  ])
}

function exampleOf(role: PlannedRole): string {
  const parameters = Object.fromEntries(parameterNames(role).map((name) => [name, { value: '…' }]))
  return JSON.stringify({ $schema: SCHEMA, contentVersion: '1.0.0.0', parameters })
}

/**
 * Looks whether the parameters of every template are there, exactly, and for their owner alone. No error quotes a value.
 * @throws `DEPLOY_TARGET`, `CLI_FILE` (fix-input)
 */
export async function requireParameters(plan: ClusterPlan, output: string): Promise<void> {
  for (const role of rolesWithParameters(plan)) {
    const path = join(output, parametersFile(role))
    const hint = `it looks like ${exampleOf(role)}`
    const expected = parameterNames(role)
    if (!existsSync(path))
      throw cliError(
        'DEPLOY_TARGET',
        `the template of ${role.name} has parameters, and nobody says their values`,
        {
          expected: `${path}, mode 0600`,
          hint,
        },
      )
    const found = parametersIn(await readPrivateFile(path, { maxBytes: MAX_BYTES, hint }))
    if (found !== undefined && found.toSorted().join() === expected.toSorted().join()) continue
    throw cliError('DEPLOY_TARGET', `${path} is not what the template of ${role.name} takes`, {
      expected: `parameters ${expected.join(' and ')}, each with a value or a reference`,
      hint,
    })
  }
}

/** Names of the parameters in a file; undefined where one has no value, or it is no such file. */
function parametersIn(text: string): string[] | undefined {
  try {
    const { parameters } = JSON.parse(text) as {
      parameters: Record<string, { value?: unknown; reference?: unknown }>
    }
    const isGiven = ({ value, reference }: { value?: unknown; reference?: unknown }): boolean =>
      (typeof value === 'string' && value !== '' && value !== '…') ||
      (typeof reference === 'object' && reference !== null)
    return Object.values(parameters).every(isGiven) ? Object.keys(parameters) : undefined
  } catch {
    return undefined
  }
}
