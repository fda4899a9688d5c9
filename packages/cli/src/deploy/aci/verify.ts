import { hasCode } from '@sotto/protocol/errors'
import { cliError } from '../../errors.ts'
import { hashLayers, type OciImage, parseReference } from '../../oci/index.ts'
import { type AciDifference, differencesOf } from './differences.ts'
import { encodePolicy, renderPolicy } from './policy.ts'
import { policyHash } from './policy-hash.ts'
import { readTemplate } from './read-template.ts'
import { renderAci } from './template.ts'
import type { AciContainer, AciInput } from './types.ts'

/** What an image decides of a container. */
export interface AciImageFacts {
  layers: readonly string[]
  command: readonly string[]
  imageEnv: readonly string[]
  workingDirectory: string
}

/** What a template is judged by. */
export interface VerifyAciOptions {
  /** By reference, as the template names it: facts of images that were read and checked here. */
  images: ReadonlyMap<string, AciImageFacts>
  /**
   * What was to be deployed. Without it, every container has to run the command of its image, without a variable of its own,
   * and the rest is believed: user, capabilities, mounts, ports.
   */
  expected?: AciInput
}

/** What was found. */
export interface AciVerification {
  /** HOST_DATA of the group, 64 hexadecimal characters. */
  hostData: string
  /** Everything that is not as it has to be; none of a good template. */
  differences: readonly AciDifference[]
}

const MAX_TOLD = 10

/**
 * Reads what an image decides: hashes of its layers, and what it runs.
 * @param reference by which a template names it @throws `DEPLOY_DIFFERS` where that is the digest of another; as `hashLayers`
 */
export async function readImageFacts(reference: string, image: OciImage): Promise<AciImageFacts> {
  const { digest } = parseReference(reference)
  if (digest !== image.descriptor.digest)
    throw cliError('DEPLOY_DIFFERS', 'the image is not the one of the reference', {
      expected: reference,
      found: image.descriptor.digest,
    })
  const { Entrypoint = [], Cmd = [], Env = [], WorkingDir = '/' } = image.config.config
  return {
    layers: await hashLayers(image),
    command: [...Entrypoint, ...Cmd],
    imageEnv: Env,
    workingDirectory: WorkingDir,
  }
}

/**
 * Makes template and policy again, from the images and what was to be deployed, and compares both with what is there. Hardware
 * proves the policy, and nothing else of a template.
 *
 * @throws `DEPLOY_DIFFERS` (stop) with each place, and expected and found of the first: a changed argument, variable, layer or mount
 */
export function verifyAci(template: string, options: VerifyAciOptions): AciVerification {
  const verification = compareAci(template, options)
  const { differences } = verification
  const [first] = differences
  if (first === undefined) return verification
  const places = differences.slice(0, MAX_TOLD).map(({ at }) => at)
  const rest = differences.length - places.length
  throw cliError(
    'DEPLOY_DIFFERS',
    `the template is not what its images make: ${places.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`,
    { expected: `${first.at}: ${first.expected}`, found: first.found },
  )
}

/** The same without the refusal. @throws `DEPLOY_DIFFERS` for what is no template, or names an image that was not read */
export function compareAci(template: string, { images, expected }: VerifyAciOptions): AciVerification {
  const { input, policy } = readTemplate(template)
  const factsOf = (container: { image: string }): AciImageFacts => requireFacts(images, container.image)
  const intended: AciInput =
    expected === undefined
      ? {
          ...input,
          containers: input.containers.map((container) => asImage(container, factsOf(container))),
        }
      : {
          ...expected,
          containers: expected.containers.map((container) => withFacts(container, factsOf(container))),
        }
  const differences = [
    ...(expected?.containers ?? []).flatMap((container) =>
      differencesOf(factsOf(container).layers, container.layers, `${container.name}.layers`),
    ),
    ...comparePolicies(renderPolicy(intended), policy),
    ...differencesOf(withoutPolicy(renderTemplate(intended)), withoutPolicy(template), 'template'),
  ]
  // A layer may be told by both: what was to be deployed has it, and the policy.
  const places = new Set<string>()
  return {
    hostData: policyHash(policy),
    differences: differences.filter(({ at }) => !places.has(at) && places.add(at)),
  }
}

function requireFacts(images: ReadonlyMap<string, AciImageFacts>, image: string): AciImageFacts {
  const facts = images.get(image)
  if (facts !== undefined) return facts
  throw cliError('DEPLOY_DIFFERS', 'a container runs an image that was not read', {
    expected: [...images.keys()].join(', ') || 'none',
    found: image.slice(0, 300),
  })
}

function withFacts(container: Omit<AciContainer, 'layers'>, facts: AciImageFacts): AciContainer {
  const { layers, imageEnv, workingDirectory } = facts
  return { ...container, layers, imageEnv, workingDirectory }
}

/** A container that runs what its image says, and has no variable of its own. */
function asImage(container: Omit<AciContainer, 'layers'>, facts: AciImageFacts): AciContainer {
  return { ...withFacts(container, facts), command: facts.command, env: {}, secretEnv: [] }
}

function renderTemplate(input: AciInput): string {
  try {
    return renderAci(input).template
  } catch (cause) {
    if (!hasCode(cause, 'DEPLOY_TARGET')) throw cause
    throw cliError('DEPLOY_DIFFERS', 'the template is none that would be written here', {
      ...(cause.found && { found: cause.found }),
      cause,
    })
  }
}

const CONTAINERS = /\n\ncontainers := (\[.*\])\n\n/

function comparePolicies(expected: string, found: string): AciDifference[] {
  if (expected === found) return []
  const [one, other] = [containersOf(expected), containersOf(found)]
  const differences = one && other ? differencesOf(one, other, '') : []
  // Everything around the containers, and how they are written.
  if (other === undefined || encodePolicy(other) !== found)
    differences.push({
      at: 'policy',
      ...firstLine(expected.replace(CONTAINERS, '\n'), found.replace(CONTAINERS, '\n')),
    })
  return differences.map((difference) => ({
    ...difference,
    at: difference.at.replace(/^\[(.*?)\]\.?/, '$1.'),
  }))
}

function containersOf(policy: string): unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(CONTAINERS.exec(policy)?.[1] ?? '')
    return Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

function firstLine(expected: string, found: string): { expected: string; found: string } {
  const [one, other] = [expected.split('\n'), found.split('\n')]
  const at = one.findIndex((line, index) => line !== other[index])
  const index = at < 0 ? one.length : at
  return {
    expected: (one[index] ?? 'its end').slice(0, 300),
    found: (other[index] ?? 'its end').slice(0, 300),
  }
}

/** A template as data; its policy is compared apart. */
function withoutPolicy(template: string): unknown {
  const value = JSON.parse(template) as {
    resources: { properties: { confidentialComputeProperties: { ccePolicy?: unknown } } }[]
  }
  delete value.resources[0]!.properties.confidentialComputeProperties.ccePolicy
  return value
}
