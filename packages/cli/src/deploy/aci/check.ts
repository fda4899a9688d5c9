import { isDigest } from '@sotto/protocol/oci'
import { cliError } from '../../errors.ts'
import { parseReference } from '../../oci/registry/index.ts'
import { fixedEnv } from './policy.ts'
import type { AciContainer, AciInput } from './types.ts'

const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/
const PARAMETER = /^[A-Za-z][A-Za-z0-9]{0,62}$/
const CAPABILITY = /^CAP_[A-Z_]+$/
const PATH = /^(?:\/[A-Za-z0-9._-]+)+$/
const HASH = /^[0-9a-f]{64}$/
/** Variables by which whoever sets them chooses what runs (T7). */
const CHOOSES_CODE = /^(?:NODE_|LD_|MALLOC_|GLIBC_|OPENSSL_|SSL_)|^PATH$/

/**
 * Refuses a group that could not be deployed as it says, or whose policy would mean something else.
 * @throws `DEPLOY_TARGET` (fix-input) with everything that is wrong
 */
export function checkAciInput(input: AciInput): void {
  const wrong: string[] = []
  const need = (isRight: boolean, what: string): void => void (isRight || wrong.push(what))
  need(NAME.test(input.name), `the name ${shown(input.name)} of the group`)
  need(/^[a-z0-9]{1,64}$/.test(input.region), `the region ${shown(input.region)}`)
  need(input.dnsLabel === undefined || NAME.test(input.dnsLabel), `the label ${shown(input.dnsLabel)}`)
  const {
    server,
    usernameParameter = 'registryUsername',
    passwordParameter = 'registryPassword',
  } = input.registry ?? {}
  need(server === undefined || /^[a-z0-9.-]+(?::[0-9]+)?$/.test(server), `the registry ${shown(server)}`)
  const secrets = input.containers.flatMap(({ secretEnv = [] }) =>
    secretEnv.map(({ parameter }) => parameter),
  )
  for (const parameter of [usernameParameter, passwordParameter, ...secrets])
    need(PARAMETER.test(parameter), `the parameter ${shown(parameter)}`)
  need(input.containers.length > 0 && input.containers.length <= 60, 'the number of containers')
  need(isDistinct(input.containers.map(({ name }) => name)), 'names of containers, which are not distinct')
  const listened = input.containers.flatMap(({ ports }) => ports)
  need(isDistinct(listened), 'ports, which are not distinct: containers of a group share one address')
  need(
    (input.publicPorts ?? []).every((port) => listened.includes(port)),
    'public ports that nobody listens on',
  )
  for (const container of input.containers) checkContainer(container, need)
  if (wrong.length === 0) return
  throw cliError('DEPLOY_TARGET', 'that cannot be deployed to Azure Container Instances', {
    found: wrong.join('; '),
  })
}

function checkContainer(container: AciContainer, need: (isRight: boolean, what: string) => void): void {
  const { name, command, layers, volumes = [], secretEnv = [], capabilities = [], imageEnv = [] } = container
  const { workingDirectory = '/', uid = 65_532, gid = 65_532 } = container
  const of = `of ${shown(name)}`
  need(NAME.test(name), `the name ${shown(name)} of a container`)
  need(
    isPinned(container.image),
    `the image ${shown(container.image)} ${of}, which has to be named by its digest`,
  )
  need(layers.length > 0 && layers.every((hash) => HASH.test(hash)), `the layers ${of}`)
  need(command.length > 0 && command[0] !== '' && command.every(isText), `the command ${of}`)
  need(workingDirectory === '/' || PATH.test(workingDirectory), `the working directory ${of}`)
  need(
    imageEnv.every((entry) => ENV_NAME.test(entry.split('=')[0]!) && entry.includes('=')),
    `variables of the image ${of}`,
  )
  for (const [variable, value] of fixedEnv(container))
    need(ENV_NAME.test(variable) && isText(value), `the variable ${shown(variable)} ${of}`)
  for (const { name: variable } of secretEnv)
    need(
      ENV_NAME.test(variable) && !CHOOSES_CODE.test(variable),
      `the variable ${shown(variable)} ${of}, whose value is not measured`,
    )
  need(isDistinct(secretEnv.map(({ name }) => name)), `secret variables ${of}, which are not distinct`)
  need(
    [uid, gid].every((id) => Number.isInteger(id) && id >= 0 && id < 2 ** 31),
    `the user ${of}`,
  )
  need(capabilities.every((one) => CAPABILITY.test(one)) && isDistinct(capabilities), `capabilities ${of}`)
  need(
    volumes.every((one) => NAME.test(one.name) && PATH.test(one.path) && !/\/\.{1,2}(?:\/|$)/.test(one.path)),
    `volumes ${of}`,
  )
  need(isDistinct(volumes.map(({ path }) => path)), `paths of volumes ${of}, which are not distinct`)
  need(
    container.ports.every((port) => Number.isInteger(port) && port > 0 && port < 65_536),
    `ports ${of}`,
  )
  need(
    [container.cpu, container.memoryGiB].every(
      (amount) => Number.isFinite(amount) && amount > 0 && amount < 10_000,
    ),
    `resources ${of}`,
  )
}

function isPinned(image: string): boolean {
  try {
    const { digest, tag } = parseReference(image)
    return isDigest(digest) && tag === undefined
  } catch {
    return false
  }
}

/** What a Rego text, a template and an `execve` can all hold. */
function isText(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0') && text.length <= 32_768
}

function isDistinct(values: readonly unknown[]): boolean {
  return new Set(values).size === values.length
}

function shown(text: string | undefined): string {
  return JSON.stringify(text ?? '').slice(0, 200)
}
