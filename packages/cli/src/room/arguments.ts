import type { Argument, Contract, Name, SqlTemplate } from '@sotto/protocol/contract'
import { cliError } from '../errors.ts'

/** What somebody asks a transform for. */
export interface Asked {
  transform: Name
  template?: Name
  arguments: Argument[]
}

/**
 * What a run is asked for with: the template that is meant, and a value for each of its parameters, in their order.
 * Whether the values are of their types every party and the room judge.
 * @param set `name=value`
 * @throws `CLI_USAGE`
 */
export function askedOf(
  contract: Contract,
  transform: Name,
  { template: wanted, set = [] }: { template?: string | undefined; set?: readonly string[] | undefined },
): Asked {
  const found = contract.transforms.find(({ name }) => name === transform)
  if (found === undefined)
    throw cliError('CLI_USAGE', `the contract has no computation ${transform}`, {
      expected: contract.transforms.map(({ name }) => name).join(', '),
    })
  const values = readValues(set)
  if (found.task.kind !== 'sql') {
    if (wanted !== undefined || values.size > 0)
      throw cliError('CLI_USAGE', `${transform} is no query: it takes no --template and no --set`)
    return { transform, arguments: [] }
  }
  const template = chooseTemplate(found.task.templates, wanted)
  return { transform, template: template.name, arguments: valuesOf(template, values) }
}

function chooseTemplate(templates: readonly SqlTemplate[], wanted: string | undefined): SqlTemplate {
  const [only] = templates
  const found = wanted === undefined ? only : templates.find(({ name }) => name === wanted)
  if (found !== undefined && (wanted !== undefined || templates.length === 1)) return found
  throw cliError('CLI_USAGE', wanted === undefined ? 'say which query' : `there is no query ${wanted}`, {
    expected: templates.map(({ name }) => name).join(', '),
    hint: 'pass --template NAME',
  })
}

function readValues(set: readonly string[]): Map<string, string> {
  const values = new Map<string, string>()
  for (const one of set) {
    const at = one.indexOf('=')
    const name = one.slice(0, at)
    // What stands there may be confidential: it is not repeated.
    if (at < 1 || values.has(name))
      throw cliError('CLI_USAGE', at < 1 ? '--set takes name=value' : `--set gives ${name} twice`)
    values.set(name, one.slice(at + 1))
  }
  return values
}

function valuesOf({ name: template, parameters }: SqlTemplate, values: Map<string, string>): Argument[] {
  const names = parameters.map(({ name }) => name)
  const missing = names.filter((name) => !values.has(name))
  const unknown = [...values.keys()].filter((name) => !names.includes(name))
  if (missing.length === 0 && unknown.length === 0)
    return names.map((name) => ({ name, value: values.get(name)! }))
  throw cliError('CLI_USAGE', `the query ${template} takes other parameters`, {
    expected: names.join(', ') || 'none',
    found: [...values.keys()].join(', ') || 'none',
    hint: 'pass --set name=value for each',
  })
}
