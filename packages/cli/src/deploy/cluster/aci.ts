import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { utf8 } from '@sotto/protocol/bytes'
import { cliError } from '../../errors.ts'
import { imageRecipe, layerDigest, readLayout } from '../../oci/index.ts'
import { findLayout } from '../../stack/layout.ts'
import { type AciContainer, type AciOutput, readImageFacts, renderAci } from '../aci/index.ts'
import { configFiles, ENCLAVE_CAPABILITIES } from './compose.ts'
import { type ClusterPlan, METRICS_PORT, type PlannedRole, ROLE_PORT } from './plan.ts'
import type { RenderedFile } from './rendered.ts'

const GIB = 2 ** 30

/** Public name of a measured role: each has a group of its own, for a group reports one policy. */
export function aciHost(deployment: string, role: 'kms' | 'inference', region: string): string {
  return `${deployment}-${role}.${region}.azurecontainer.io`
}

/**
 * Templates of the measured roles for Azure Container Instances, each with its policy, and every role's configuration. The
 * policies name the layers of images that have the configuration in them, so those are built in between: `images` is the
 * folder of their layouts.
 *
 * @throws `DEPLOY_FILE` for what a group cannot do; `DEPLOY_DIFFERS` (stop) for an image with another configuration
 */
export async function renderAciFiles(plan: ClusterPlan, images: string | undefined): Promise<RenderedFile[]> {
  const { cluster, roles } = plan
  if (cluster.region === undefined)
    throw cliError('DEPLOY_FILE', 'the region is missing', { expected: 'cluster.region, like westeurope' })
  const configurations = configFiles(plan)
  const measured = roles.filter(({ isMeasured }) => isMeasured)
  if (images === undefined) {
    const commands = measured.map((role) => buildCommand(role, `IMAGES/${role.name}`))
    plan.waitsFor.push(
      `images with these configurations: ${commands.join('; ')}; then the same again with --images IMAGES`,
    )
    return configurations
  }
  const groups = await Promise.all(measured.map((role) => renderGroup(plan, role, join(images, role.name))))
  return [...configurations, ...groups.flat()]
}

/** Builds the image of a role, in the folder of what was rendered. */
function buildCommand({ name, appFiles }: PlannedRole, layout: string): string {
  const app = appFiles === undefined ? '' : ' --app app'
  return `sotto images build ${name} --base DEBIAN --configuration config/${name}.json${app} --out ${layout}`
}

async function renderGroup(plan: ClusterPlan, role: PlannedRole, layout: string): Promise<RenderedFile[]> {
  if (!existsSync(layout))
    throw cliError('DEPLOY_FILE', `there is no image of the role ${role.name}`, {
      expected: layout,
      hint: buildCommand(role, layout),
    })
  const { template, policy, hostData } = await renderRole(plan, role, layout)
  return [
    { path: `${role.name}.template.json`, text: template },
    { path: `${role.name}.policy.rego`, text: policy },
    { path: `${role.name}.hostdata`, text: `${hostData}\n` },
  ]
}

async function renderRole(plan: ClusterPlan, role: PlannedRole, layout: string): Promise<AciOutput> {
  const image = await readLayout(layout)
  const name = role.name as 'kms' | 'inference'
  await requireConfiguration(role, image.config.diffIds.at(-1))
  const [repository] = role.image.split('@')
  const reference = `${repository}@${image.descriptor.digest}`
  const facts = await readImageFacts(reference, image)
  const isEnclave = name === 'inference'
  const container: AciContainer = {
    name,
    image: reference,
    ...facts,
    secretEnv: Object.keys(role.secretEnv).map((variable) => ({
      name: variable,
      parameter: role.secretEnv[variable]!,
    })),
    // Reports take root; only the enclave takes capabilities too.
    uid: 0,
    gid: 0,
    ...(isEnclave && {
      capabilities: ENCLAVE_CAPABILITIES.map((capability) => `CAP_${capability}`),
    }),
    ports: [ROLE_PORT, METRICS_PORT],
    cpu: isEnclave ? plan.resources.cpu : 1,
    memoryGiB: isEnclave ? plan.resources.memory / GIB : 2,
  }
  return renderAci({
    name: `${plan.name}-${name}`,
    region: plan.cluster.region!,
    dnsLabel: `${plan.name}-${name}`,
    publicPorts: [ROLE_PORT],
    containers: [container],
  })
}

/** The top layer of an image is exactly this role's configuration: nothing else says what the role will read. */
async function requireConfiguration(role: PlannedRole, found: string | undefined): Promise<void> {
  const name = role.name as 'kms' | 'inference'
  const { configuration } = imageRecipe(name, findLayout().dist, utf8(role.config), role.appFiles)
  const expected = await layerDigest(configuration!)
  if (found === expected) return
  throw cliError(
    'DEPLOY_DIFFERS',
    `the image of ${role.name} has another configuration, or other files of the app`,
    {
      expected,
      found: found ?? 'no layer',
      hint: 'build it anew from what was rendered now, with --app where there is an app',
    },
  )
}
