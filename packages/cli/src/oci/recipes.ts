import { join } from 'node:path'
import type { RunConfig } from '@sotto/protocol/oci'
import { MEMORY_ENV, MEMORY_FLAGS } from '../stack/memory.ts'
import type { LayerPart } from './layer-source.ts'

/** The images of a deployment: the two measured roles, and everything that nobody has to trust. */
export type ImageName = 'kms' | 'inference' | 'edge'

export const IMAGE_NAMES: readonly ImageName[] = ['kms', 'inference', 'edge']

/** How an image is put together from what was built. */
export interface ImageRecipe {
  /** The layer with the product, below `/opt/sotto`. */
  product: readonly LayerPart[]
  /** The layer with the configuration, where the image has one. */
  configuration?: readonly LayerPart[]
  /** Node, on this machine: it says for which one the image is. */
  program: string
  config: RunConfig
}

/** Where a role reads its configuration unless it lies in its image. */
const CONFIG_FILE = '/etc/sotto/config.json'
/** Where an enclave in a container has the files of its own app. */
export const APP_IN_CONTAINER = '/var/lib/sotto-app'
/** As the launcher of roles sets it, so that nothing of a machine's own gets in. */
const ENV = Object.entries({ PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8', ...MEMORY_ENV }).map(
  ([name, value]) => `${name}=${value}`,
)
/** Owns nothing and is nobody. */
const NOBODY = '65532:65532'

/**
 * The recipe of an image of a build.
 *
 * The measured roles run as their launcher starts them: `bin/node` with fixed flags and `role.js`. The enclave starts as root:
 * only root gives each engine and app a user and a network of its own, and it keeps no privilege in them. The other image
 * runs `log.js`, `witness.js`, `relay.js`, `registry.js` or `issuer.js` with `--config FILE`, or the command, which also
 * is the proxy: `dist/cli/sotto.js proxy`.
 *
 * @param dist folder of the build
 * @param configuration bytes of a configuration file that is to be part of the image, for hardware that does not measure it apart
 * @param appFolder files of an own app that go into the same layer, as `sotto deploy` left them
 */
export function imageRecipe(
  name: ImageName,
  dist: string,
  configuration?: Uint8Array,
  appFolder?: string,
): ImageRecipe {
  const folder = `/opt/sotto/${name}`
  const node = `${folder}/bin/node`
  const image = join(dist, 'images', 'release', name === 'edge' ? 'kms' : name)
  const program = join(image, 'bin', 'node')
  const file = configuration === undefined ? CONFIG_FILE : `${folder}/config.json`
  const layer = configuration && {
    configuration: [
      { to: file, bytes: configuration },
      ...(appFolder === undefined ? [] : [{ to: APP_IN_CONTAINER, from: appFolder }]),
    ],
  }
  if (name !== 'edge')
    return {
      product: [{ to: folder, from: image }],
      ...layer,
      program,
      config: {
        User: name === 'kms' ? NOBODY : '0:0',
        Env: ENV,
        WorkingDir: folder,
        Entrypoint: [node, ...MEMORY_FLAGS, 'role.js', '--config', file],
      },
    }
  return {
    product: [
      { to: node, from: program },
      { to: folder, from: join(dist, 'edge') },
      // The roles and the command are modules.
      { to: `${folder}/package.json`, bytes: Buffer.from('{"type":"module"}\n') },
      // The command finds the pages beside it.
      { to: `${folder}/dist/cli`, from: join(dist, 'cli') },
      { to: `${folder}/dist/console`, from: join(dist, 'console') },
    ],
    ...layer,
    program,
    config: {
      User: NOBODY,
      Env: ENV,
      WorkingDir: folder,
      Entrypoint: [node, ...MEMORY_FLAGS],
      Cmd: ['dist/cli/sotto.js', '--help'],
    },
  }
}
