import { join, resolve } from 'node:path'
import { type ConfigWorld, stateDirectory } from '../config/index.ts'

/**
 * What vendors answered: `dir`, else `$SOTTO_CONFIG_DIR/cache/collateral`, else `$XDG_CACHE_HOME/sotto/collateral`,
 * else `~/.cache/sotto/collateral`. May be deleted at any time.
 */
export function cacheFolder(world: ConfigWorld, dir?: string): string {
  if (dir !== undefined) return resolve(world.cwd, dir)
  const own = world.env['SOTTO_CONFIG_DIR']
  if (own) return resolve(world.cwd, own, 'cache', 'collateral')
  const base = world.env['XDG_CACHE_HOME'] || join(world.env['HOME'] ?? world.cwd, '.cache')
  return resolve(world.cwd, base, 'sotto', 'collateral')
}

/** The newest answers seen. Not with the cache: deleting that must not let older answers in. */
export function seenFolder(world: ConfigWorld): string {
  return join(stateDirectory(world), 'collateral')
}
