import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ownerKeyPem } from '@sotto/client/models'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { Evidence } from '@sotto/protocol/keyrelease'
import { fakeAmd } from '@sotto/testkit/snp'
import { snpTee } from '@sotto/testkit/tee'
import { FAKE_NOW } from '@sotto/testkit/x509'
import { appraiseEvidence, type EvidenceAppraisal } from '@sotto/verifier/appraisal'
import { evidencePieces, platformPolicy, withRelease } from '@sotto/verifier/workload'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { renderAci } from '../../packages/cli/src/deploy/aci/index.ts'
import {
  type AciImageFacts,
  type AciInput,
  readImageFacts,
  verifyAci,
} from '../../packages/cli/src/deploy/aci/index.ts'
import { readTemplate } from '../../packages/cli/src/deploy/aci/read-template.ts'
import {
  buildImage,
  hashLayers,
  imageRecipe,
  type OciImage,
  readLayout,
} from '../../packages/cli/src/oci/index.ts'
import { writeFiles, writeSampleLayout } from '../../packages/cli/test/oci/support/sample.ts'
import { requireMeasuredConfig } from '../../packages/serve/src/tee/measured-config.ts'
import { releaseStatement } from '../../scripts/release/statements.ts'
import { startTestStack, type TestStack, urlOf } from '../stack/support.ts'
import { type ClusterDesk, openClusterDesk, printedCommands } from './cluster-desk.ts'

/** AMD's roots are another's here: the only thing about hardware that is not real. */
const pinned = vi.hoisted(() => ({ amd: undefined as unknown }))
vi.mock('../../packages/verifier/src/snp/roots.ts', () => ({ snpVendorRoots: () => pinned.amd }))
const amd = fakeAmd()
pinned.amd = amd.roots
const tee = snpTee(amd)
/** Of Microsoft's guest, which enforces the policy. */
const GUEST = 'c3'.repeat(48)

const ROLES = ['kms', 'inference'] as const
type Measured = (typeof ROLES)[number]
const OUTPUT = ['--target', 'aci', '-o', 'out']

let desk: ClusterDesk
let stack: TestStack
let base: OciImage
let product: string

const CLUSTER = {
  region: 'westeurope',
  secrets: { postgres: 'database' },
  addresses: {
    log: 'https://log.example',
    registry: 'https://registry.example',
    relay: 'https://relay.example',
  },
}
const sealedApp = {
  code: './app',
  command: ['node', 'server.mjs'],
  sealed: true,
  secrets: { TOKEN: { env: 'NOTES_TOKEN' } },
}

function deploy(...words: string[]): ReturnType<ClusterDesk['deploy']> {
  return deployWith({}, words)
}

function deployWith(
  env: Readonly<Record<string, string>>,
  words: readonly string[],
): ReturnType<ClusterDesk['deploy']> {
  const kms = ['--kms', urlOf(stack, 'kms'), '--log', urlOf(stack, 'log')]
  return desk.deploy({
    policy: stack.policy,
    cluster: CLUSTER,
    file: { app: sealedApp },
    words: [...OUTPUT, ...kms, ...words],
    env,
  })
}

const out = (file: string): string => join(desk.folder, 'out', file)
const read = (file: string): string => readFileSync(out(file), 'utf8')
const layoutOf = (role: Measured): string => join(desk.folder, 'images', role)
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** As `sotto images build ROLE --base … --configuration config/ROLE.json --app app` does, with a small product on a small base. */
async function build(role: Measured, configuration = read(`config/${role}.json`)): Promise<OciImage> {
  const app = role === 'inference' ? out('app') : undefined
  const recipe = imageRecipe(role, product, Buffer.from(configuration), app)
  return buildImage({
    out: layoutOf(role),
    base,
    architecture: 'amd64',
    layers: [recipe.product, recipe.configuration!],
    config: recipe.config,
  })
}

beforeAll(async () => {
  const owner = crypto.ed25519.generate()
  desk = openClusterDesk({ NOTES_TOKEN: 'hunter2' })
  desk.put('config/owner.key', ownerKeyPem(owner.seed), 0o600)
  stack = await startTestStack({ models: [], owner: owner.publicKey })
  base = await readLayout(writeSampleLayout(join(desk.folder, 'base')))
  product = writeFiles(
    join(desk.folder, 'dist'),
    Object.fromEntries(
      ROLES.flatMap((role) =>
        ['bin/node', 'role.js'].map((file) => [`images/release/${role}/${file}`, file]),
      ),
    ),
  )
  await deploy()
  for (const role of ROLES) await build(role)
})
afterAll(async () => {
  await stack?.close()
  desk?.clear()
})

/** What was rendered for a role, from its image. */
interface Group {
  image: OciImage
  template: string
  /** What the host is given, decoded. */
  policy: string
  hostData: string
  /** What was to be deployed. */
  input: AciInput
  images: Map<string, AciImageFacts>
}

async function groupOf(role: Measured): Promise<Group> {
  const image = await readLayout(layoutOf(role))
  const template = read(`${role}.template.json`)
  const { input, policy } = readTemplate(template)
  const [container] = input.containers
  const facts = await readImageFacts(container!.image, image)
  return {
    image,
    template,
    policy,
    hostData: read(`${role}.hostdata`).trim(),
    input: { ...input, containers: [{ ...container!, ...facts }] },
    images: new Map([[container!.image, facts]]),
  }
}

/** The same group with one argument more, as somebody would deploy it who wants to look in. */
function withArgument({ input }: Group): { template: string; hostData: string; policy: string } {
  const [container] = input.containers
  return renderAci({
    ...input,
    containers: [{ ...container!, command: [...container!.command, '--inspect'] }],
  })
}

/** Evidence of a machine under a policy, for nobody in particular. */
const evidenceOf = (hostData: string): Evidence =>
  tee.evidence({ measurement: GUEST, hostData }, new Uint8Array(64))

/** Whether what was released admits a machine that reports this. */
function appraise(role: Measured, { image, hostData: released }: Group, reported: string): EvidenceAppraisal {
  const release = releaseStatement({
    role,
    digest: image.descriptor.digest.slice('sha256:'.length),
    version: '1.0.0',
    securityVersion: 1,
    reported: {
      configuration: released,
      evidence: { family: 'sev-snp', measurements: [GUEST], hostData: [released] },
    },
    createdAt: FAKE_NOW,
  })
  const platforms = [withRelease(tee.platform, release)]
  return appraiseEvidence(
    evidencePieces(evidenceOf(reported)),
    platformPolicy({ platforms, evidenceMaxAgeSeconds: 3600 }),
    { at: FAKE_NOW, expectedReportData: new Uint8Array(64), boundAt: FAKE_NOW },
  )
}

describe('what sotto deploy --target aci makes of images', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    const { stderr } = await deploy('--images', 'images')
    expect(printedCommands(stderr)).toEqual(
      ROLES.map(
        (role) =>
          `az deployment group create --resource-group notes --name notes-${role} --template-file out/${role}.template.json${
            role === 'kms' ? ' --parameters @out/secrets/kms.parameters.json' : ''
          }`,
      ),
    )
  })

  it('first says what to build, and how: the commands that these images were built with', async () => {
    const { stderr } = await deploy()
    for (const [role, app] of [
      ['kms', ''],
      ['inference', ' --app app'],
    ] as const)
      expect(stderr).toContain(
        `sotto images build ${role} --base DEBIAN --configuration config/${role}.json${app} --out IMAGES/${role}`,
      )
    expect(printedCommands(stderr)).toEqual([])
  })

  it('prints what hardware has to report, once there is something', async () => {
    const { stdout } = await deploy('--images', 'images')
    const lines = ROLES.map((role) => `  ${role.padEnd(10)} ${read(`${role}.hostdata`)}`)
    expect(stdout).toContain(`what hardware has to report of the policy:\n${lines.join('')}`)
    expect((await deploy()).stdout).not.toMatch(/[0-9a-f]{64}/)
  })

  it.each(ROLES)('%s: has in its policy the layers, and the command, of the image', async (role) => {
    const { image, policy, input } = await groupOf(role)
    const [line] = policy.split('\n').filter((each) => each.startsWith('containers := '))
    const [container] = JSON.parse(line!.slice('containers := '.length)) as {
      id: string
      layers: string[]
      command: string[]
      working_dir: string
    }[]
    expect(container!.layers).toEqual(await hashLayers(image))
    expect(container!.layers).toHaveLength(3)
    expect(container!.id).toBe(`registry.example/sotto/${role}@${image.descriptor.digest}`)
    expect(container!.command.slice(-3)).toEqual(['role.js', '--config', `/opt/sotto/${role}/config.json`])
    expect(container!.command).toEqual(image.config.config.Entrypoint)
    expect(container!.working_dir).toBe(`/opt/sotto/${role}`)
    expect(input).toMatchObject({ name: `notes-${role}`, region: 'westeurope', dnsLabel: `notes-${role}` })
  })

  it.each(ROLES)('%s: reports the hash of that policy, which the release names', async (role) => {
    const group = await groupOf(role)
    const { template, policy, hostData, input, images } = group
    expect(policy).toBe(read(`${role}.policy.rego`))
    expect(sha256(policy)).toBe(hostData)
    expect(verifyAci(template, { images, expected: input })).toEqual({ hostData, differences: [] })
    expect(appraise(role, group, hostData)).toMatchObject({ admitted: true, software: false })
  })

  it.each(ROLES)(
    '%s: is accepted by the role itself, whose configuration lies in the image',
    async (role) => {
      const { template, hostData } = await groupOf(role)
      const { resources } = JSON.parse(template) as {
        resources: { properties: { confidentialComputeProperties: { ccePolicy: string } } }[]
      }
      const context = join(desk.folder, `context-${role}`)
      const imageFolder = join(desk.folder, `image-${role}`)
      for (const folder of [context, imageFolder]) mkdirSync(folder)
      const { ccePolicy } = resources[0]!.properties.confidentialComputeProperties
      writeFileSync(join(context, 'security-policy-base64'), ccePolicy)
      const configuration = read(`config/${role}.json`)
      writeFileSync(join(imageFolder, 'config.json'), configuration)
      const used = { path: join(imageFolder, 'config.json'), sha256: sha256(configuration), imageFolder }
      const env = { UVM_SECURITY_CONTEXT_DIR: context }
      await requireMeasuredConfig(used, evidenceOf(hostData), env)
      const other = withArgument(await groupOf(role)).hostData
      await expect(requireMeasuredConfig(used, evidenceOf(other), env)).rejects.toMatchObject({
        code: 'CONFIG_NOT_MEASURED',
        found: other,
      })
    },
  )

  it.each(ROLES)('%s: with one argument more is another hash, and refused', async (role) => {
    const group = await groupOf(role)
    const changed = withArgument(group)
    expect(sha256(changed.policy)).toBe(changed.hostData)
    expect(changed.hostData).not.toBe(group.hostData)
    const place = `${role}.command[${group.input.containers[0]!.command.length}]`
    expect(() => verifyAci(changed.template, { images: group.images, expected: group.input })).toThrow(
      expect.objectContaining({ code: 'DEPLOY_DIFFERS', expected: `${place}: nothing`, found: '--inspect' }),
    )
    const appraisal = appraise(role, group, changed.hostData)
    expect(appraisal.admitted).toBe(false)
    const failed = appraisal.tuples
      .flatMap(({ pieces }) => pieces.flatMap(({ steps }) => steps))
      .filter(({ status }) => status === 'fail')
    expect(failed.map(({ expected, found }) => ({ expected, found }))).toEqual([
      { expected: expect.stringContaining(group.hostData) as string, found: changed.hostData },
    ])
  })

  it('is the same each time: nothing is released for nothing', async () => {
    const before = ROLES.map((role) => read(`${role}.hostdata`))
    await deploy('--images', 'images')
    expect(ROLES.map((role) => read(`${role}.hostdata`))).toEqual(before)
  })

  it('is not made of a KMS that would have to keep a file', async () => {
    const root = { source: 'custodians', threshold: 2, custodians: [], folder: '/var/lib/sotto/root' }
    const refused = desk.deploy({ cluster: { ...CLUSTER, root }, words: OUTPUT })
    await expect(refused).rejects.toThrow(/no disk to keep the way back[^]*source custodians/)
  })

  it('is not made of an image with another configuration, or without the app', async () => {
    const configuration = read('config/inference.json')
    await build('inference', configuration.replace('"port":8080', '"port":8081'))
    await expect(deploy('--images', 'images')).rejects.toThrow(/another configuration/)
    const { product: layer, config } = imageRecipe('inference', product)
    await buildImage({ out: layoutOf('inference'), base, architecture: 'amd64', layers: [layer], config })
    await expect(deploy('--images', 'images')).rejects.toThrow(/another configuration/)
    await build('inference')
    await deploy('--images', 'images')
  })
})

describe('what sotto deploy --target aci --apply hands over', { timeout: 120_000 }, () => {
  const SECRETS = { appendToken: 'a-token-that-nobody-sees', postgres: 'postgresql://me:hunter2@db.example' }
  const parameters = (values: object): string =>
    JSON.stringify({
      $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#',
      contentVersion: '1.0.0.0',
      parameters: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value }])),
    })
  const file = 'out/secrets/kms.parameters.json'
  const told = (): string[] => (existsSync(out('../told')) ? read('../told').trimEnd().split('\n') : [])

  async function apply(): Promise<string> {
    desk.put('bin/az', `#!/bin/sh\nprintf '%s\\n' "$*" >> '${desk.folder}/told'\n`, 0o755)
    const { stdout, stderr } = await deployWith({ PATH: `${desk.folder}/bin:/usr/bin:/bin` }, [
      '--images',
      'images',
      '--apply',
    ])
    return stdout + stderr
  }

  beforeEach(() => {
    for (const path of ['out/secrets', 'told'])
      rmSync(join(desk.folder, path), { recursive: true, force: true })
  })

  it('says which parameters a template takes, and how their file looks', async () => {
    const { stderr } = await deploy('--images', 'images')
    const { parameters: taken } = JSON.parse(read('kms.template.json')) as { parameters: object }
    expect(Object.keys(taken)).toEqual(Object.keys(SECRETS))
    expect(stderr).toContain('first, in out:\n  secrets/kms.parameters.json, mode 0600')
    const example = stderr.split('\n').find((line) => line.includes('"contentVersion"'))!
    expect(JSON.parse(example)).toEqual(JSON.parse(parameters({ appendToken: '…', postgres: '…' })))
    expect(existsSync(out('secrets'))).toBe(false)
  })

  it('are the templates, each with its parameters by the name of their file', async () => {
    desk.put(file, parameters(SECRETS), 0o600)
    const said = await apply()
    expect(told().map((line) => line.replaceAll(`${desk.folder}/`, ''))).toEqual([
      'deployment group create --resource-group notes --name notes-kms --template-file out/kms.template.json --parameters @out/secrets/kms.parameters.json',
      'deployment group create --resource-group notes --name notes-inference --template-file out/inference.template.json',
    ])
    for (const secret of Object.values(SECRETS)) expect(said + told().join()).not.toContain(secret)
  })

  it('may be references to a key vault', async () => {
    const reference = { keyVault: { id: '/subscriptions/1' }, secretName: 'token' }
    desk.put(
      file,
      JSON.stringify({ parameters: { appendToken: { reference }, postgres: { reference } } }),
      0o600,
    )
    await apply()
    expect(told()).toHaveLength(2)
  })

  it('are no parameters that others may read', async () => {
    desk.put(file, parameters(SECRETS), 0o600)
    chmodSync(join(desk.folder, file), 0o644)
    await expect(apply()).rejects.toThrow(/others may read .*kms\.parameters\.json[^]*mode 0600/)
    expect(told()).toEqual([])
  })

  it.each<[string, string | undefined, RegExp]>([
    ['none', undefined, /has parameters, and nobody says their values[^]*mode 0600/],
    ['one too few', parameters({ appendToken: 'x' }), /is not what the template of kms takes/],
    ['one too many', parameters({ ...SECRETS, other: 'hunter2' }), /appendToken and postgres/],
    ['those of the example', parameters({ appendToken: '…', postgres: '…' }), /is not what/],
    ['an empty one', parameters({ ...SECRETS, postgres: '' }), /is not what/],
    ['a number', parameters({ ...SECRETS, postgres: 7 }), /is not what/],
    ['none in an object', '{"parameters":null}', /is not what/],
    ['null', 'null', /is not what/],
    ['half a file', parameters(SECRETS).slice(0, 150), /is not what/],
  ])('are not %s', async (_what, text, why) => {
    if (text !== undefined) desk.put(file, text, 0o600)
    const refused = apply()
    await expect(refused).rejects.toThrow(why)
    await expect(refused).rejects.not.toThrow(/hunter2/)
    expect(told()).toEqual([])
  })

  it('are nothing without images, whose layers the templates name', async () => {
    desk.put(file, parameters(SECRETS), 0o600)
    await expect(deploy('--apply')).rejects.toThrow(/--apply needs --images/)
  })
})
