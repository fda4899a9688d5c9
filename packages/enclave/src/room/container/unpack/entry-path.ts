import { layoutError } from '../errors.ts'
import { MAX_DEPTH, MAX_NAME_BYTES, MAX_PATH_BYTES } from '../limits.ts'

/**
 * Steps of a path of a layer, one character per byte; none for the root. Whoever made the layer chose it.
 * @throws `ROOM_CONTAINER_LAYOUT` for a path that is absolute, climbs, or is longer or deeper than an image needs
 */
export function parseEntryPath(path: string): string[] {
  if (path.startsWith('/')) throw layoutError('an absolute path in a layer')
  const steps = path.split('/').filter((step) => step !== '' && step !== '.')
  if (steps.includes('..')) throw layoutError('a path in a layer that leads out of it')
  if (steps.length > MAX_DEPTH || path.length > MAX_PATH_BYTES)
    throw layoutError('a path in a layer that is too deep')
  if (steps.some((step) => step.length > MAX_NAME_BYTES || step.includes('\0')))
    throw layoutError('a name in a layer that no file can have')
  return steps
}

/**
 * That what a symbolic link points to stays in the image, as it is written: an absolute one is read from the image's own
 * root.
 * @param depth of the folder that it lies in
 * @throws `ROOM_CONTAINER_LAYOUT` also for a target that no link can have
 */
export function requireLinkTarget(target: string, depth: number): void {
  if (target === '' || target.length > MAX_PATH_BYTES || target.includes('\0'))
    throw layoutError('a symbolic link to what no path is')
  let at = target.startsWith('/') ? 0 : depth
  for (const step of target.split('/')) {
    if (step === '..') at--
    else if (step !== '' && step !== '.') at++
    if (at < 0) throw layoutError('a symbolic link that leads out of the image')
  }
}
