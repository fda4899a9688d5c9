import { join, resolve } from 'node:path'
import { cliError } from '../../errors.ts'
import { canRun, findProgram } from '../../process/index.ts'

/** Environment variable that names the program. */
export const QUANTIZE_VARIABLE = 'SOTTO_LLAMA_QUANTIZE'
const NAME = 'llama-quantize'

/**
 * Where llama-quantize lies: what `SOTTO_LLAMA_QUANTIZE` names, what `scripts/llama-tools.ts` built, or one on the PATH.
 * @throws `QUANTIZER_MISSING`
 */
export function findQuantizer(env: Readonly<Record<string, string | undefined>>, cwd: string): string {
  const named = env[QUANTIZE_VARIABLE]
  if (named) {
    const path = resolve(cwd, named)
    if (canRun(path)) return path
    throw cliError('QUANTIZER_MISSING', `${QUANTIZE_VARIABLE} names no program that can be run`, {
      found: path,
    })
  }
  const cache = resolve(cwd, env['XDG_CACHE_HOME'] || join(env['HOME'] ?? cwd, '.cache'))
  const found = findProgram(NAME, env['PATH'], [join(cache, 'sotto', 'llama-tools')])
  if (found !== undefined) return found
  throw cliError('QUANTIZER_MISSING', 'llama-quantize is not on this machine', {
    hint: `build it with node scripts/llama-tools.ts (a minute; needs git and g++), or name one with ${QUANTIZE_VARIABLE}`,
  })
}
