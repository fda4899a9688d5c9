import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cliError } from '../errors.ts'

/** Untrusted roles of a local stack. */
export type EdgeRole = 'log' | 'witness' | 'relay' | 'registry' | 'rooms'

/** Measured images of a local stack. */
export type StackImage = 'kms' | 'inference' | 'room'

/** Where built things and default models lie. */
export interface Layout {
  /** Folder of the built images, roles and command. */
  dist: string
  /** Folder of the default models. */
  models: string
  /** Folder of the examples, which deployments begin with. */
  examples: string
  /** The Helm chart. */
  chart: string
  image(name: StackImage): string
  edge(role: EdgeRole): string
}

/**
 * Finds the built product from the running command: `dist/cli/sotto.js` in a checkout.
 * @throws `STACK_NOT_BUILT` (fix-input)
 */
export function findLayout(from: string = import.meta.url): Layout {
  const dist = findDist(from, join('images', 'software', 'inference', 'role.js'))
  if (dist !== undefined) return layoutOf(dirname(dist), dist)
  throw cliError('STACK_NOT_BUILT', 'the images are not built', {
    hint: 'run npm run build in the checkout',
  })
}

/**
 * Folder of built things that has a file, in the checkout that a module lies in.
 * @param from URL of the module. @param file its path in the folder
 */
export function findDist(from: string, file: string): string | undefined {
  for (let folder = dirname(fileURLToPath(from)); folder !== dirname(folder); folder = dirname(folder)) {
    const dist = join(folder, 'dist')
    if (existsSync(join(dist, file))) return dist
    // The checkout ends here: what lies above it is somebody else's.
    if (existsSync(join(folder, 'package-lock.json'))) return undefined
  }
  return undefined
}

function layoutOf(root: string, dist: string): Layout {
  return {
    dist,
    models: resolve(root, 'models'),
    examples: resolve(root, 'examples'),
    chart: resolve(root, 'charts', 'sotto'),
    // Only software images: a laptop has no hardware to attest anything else.
    image: (name) => join(dist, 'images', 'software', name),
    edge: (role) => join(dist, 'edge', `${role}.js`),
  }
}
