import { join, resolve } from 'node:path'
import { readFile } from 'node:fs/promises'
import { cliError } from '../../errors.ts'
import { type Command, type CommandContext, defineCommand } from '../../framework/index.ts'
import {
  architectureOf,
  buildImage,
  IMAGE_NAMES,
  type ImageName,
  imageRecipe,
  type OciImage,
} from '../../oci/index.ts'
import { findDist } from '../../stack/layout.ts'
import { formatBytes } from '../../terminal/index.ts'
import { openBase } from './base.ts'

/** Of a configuration that becomes part of an image. */
const MAX_CONFIGURATION = 1024 * 1024

/** `sotto images build NAME --base IMAGE --out DIR` */
export const imagesBuild: Command = defineCommand({
  path: ['images', 'build'],
  summary: 'Build an OCI image without a daemon',
  description:
    'NAME is kms, inference or edge (all untrusted roles, the command and the proxy). The image is the layers of\n' +
    'the base and one with /opt/sotto/NAME; with --configuration another one with the configuration of the role.\n' +
    'The same build, base and options give the same bytes. One architecture: that of the Node in it. The base is a\n' +
    'folder with an OCI layout, or HOST/REPOSITORY@sha256:DIGEST, which is pulled; docker login keeps the credentials.\n' +
    'SOURCE_DATE_EPOCH gives the image a time; without it, it names none.',
  arguments: [{ name: 'NAME', summary: 'which image', required: true, choices: [...IMAGE_NAMES] }],
  flags: {
    base: {
      type: 'string',
      value: 'IMAGE',
      summary: 'folder or reference of a Debian, for its C library and tools',
    },
    out: {
      type: 'string',
      value: 'DIR',
      summary: 'folder of the layout (default: dist/oci/NAME of the checkout)',
    },
    configuration: {
      type: 'string',
      value: 'FILE',
      summary: 'make a role’s configuration part of the image, as Azure Container Instances need it',
    },
    app: {
      type: 'string',
      value: 'DIR',
      summary: 'with --configuration: files of an own app, as sotto deploy left them in its folder app',
    },
    label: { type: 'string', value: 'VERSION', summary: 'version that the image says it has' },
    source: { type: 'string', value: 'URL', summary: 'where the image says its source is' },
  },
  examples: [
    'sotto images build kms --base debian@sha256:… --out kms',
    'sotto images build inference --base ./debian --configuration inference.json --out inference',
  ],
  async run(context, [name = ''], flags) {
    const { io } = context
    const which = IMAGE_NAMES.find((known): known is ImageName => known === name)
    if (which === undefined)
      throw cliError('CLI_USAGE', 'there is no such image', { expected: IMAGE_NAMES.join(', '), found: name })
    if (flags.base === undefined)
      throw cliError('CLI_USAGE', 'an image needs a base', {
        hint: 'name a Debian by its digest: --base debian@sha256:…',
      })
    const dist = findDist(import.meta.url, join('images', 'release', 'kms', 'role.js'))
    if (dist === undefined)
      throw cliError('STACK_NOT_BUILT', 'the images are not built', {
        hint: 'run npm run build in the checkout',
      })
    const configuration =
      flags.configuration === undefined
        ? undefined
        : await readConfiguration(resolve(io.cwd, flags.configuration))
    if (flags.app !== undefined && (which !== 'inference' || configuration === undefined))
      throw cliError('CLI_USAGE', '--app is for the image inference with its --configuration')
    const app = flags.app === undefined ? undefined : resolve(io.cwd, flags.app)
    const recipe = imageRecipe(which, dist, configuration, app)
    const architecture = await architectureOf(recipe.program)
    const created = parseEpoch(io.env['SOURCE_DATE_EPOCH'])
    const image = await buildImage({
      out: flags.out === undefined ? join(dist, 'oci', which) : resolve(io.cwd, flags.out),
      base: await openBase(context, flags.base, architecture),
      architecture,
      layers: [recipe.product, ...(recipe.configuration ? [recipe.configuration] : [])],
      config: recipe.config,
      annotations: {
        'org.opencontainers.image.title': `sotto-${which}`,
        'org.opencontainers.image.licenses': 'Apache-2.0',
        ...(flags.label !== undefined && { 'org.opencontainers.image.version': flags.label }),
        ...(flags.source !== undefined && { 'org.opencontainers.image.source': flags.source }),
      },
      ...(created !== undefined && { created }),
    })
    print(context, image)
  },
})

function print(context: CommandContext, image: OciImage): void {
  const { descriptor, manifest, config } = image
  const bytes = manifest.layers.reduce((sum, { size }) => sum + size, 0)
  const result = {
    digest: descriptor.digest,
    architecture: config.architecture,
    layers: manifest.layers,
    bytes,
  }
  if (context.global.json) return context.json(result)
  context.out(descriptor.digest)
  context.note(`${manifest.layers.length} layers, ${formatBytes(bytes)}, linux/${config.architecture}`)
}

async function readConfiguration(file: string): Promise<Uint8Array> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw cliError('CLI_FILE', 'cannot read the configuration', { found: file, cause })
  })
  if (bytes.length <= MAX_CONFIGURATION) return bytes
  throw cliError('CLI_FILE', 'the configuration is too large', { expected: formatBytes(MAX_CONFIGURATION) })
}

/** Seconds of SOURCE_DATE_EPOCH (reproducible-builds.org). @throws `CLI_USAGE` */
function parseEpoch(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined
  const seconds = Number(text)
  if (/^[0-9]{1,11}$/.test(text) && seconds <= 253_402_300_799) return seconds
  throw cliError('CLI_USAGE', 'SOURCE_DATE_EPOCH is no number of seconds', { found: text.slice(0, 50) })
}
