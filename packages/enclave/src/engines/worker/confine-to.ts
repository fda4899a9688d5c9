import { realpathSync } from 'node:fs'
import type { ResolveHookSync } from 'node:module'
import { fileURLToPath } from 'node:url'

/**
 * Lets modules come from one folder, the image, or from Node itself (T7). Where a package is not in
 * the image, Node looks into `node_modules` of every folder above it, `/root` and `/` included:
 * libraries try optional packages that way, and whoever can write to one of those folders would put
 * code into an engine that nobody measured.
 *
 * @param image folder, with its final slash
 */
export function confineTo(image: string): ResolveHookSync {
  const inside = realpathSync(image) + '/'
  return (specifier, context, nextResolve) => {
    const resolved = nextResolve(specifier, context)
    if (resolved.url.startsWith('node:')) return resolved
    if (resolved.url.startsWith('file:') && fileURLToPath(resolved.url).startsWith(inside)) return resolved
    // As if it were not there: that is what those who try an optional package are ready for.
    throw Object.assign(new Error('a module outside the image is not loaded'), {
      code: context.conditions.includes('require') ? 'MODULE_NOT_FOUND' : 'ERR_MODULE_NOT_FOUND',
    })
  }
}
