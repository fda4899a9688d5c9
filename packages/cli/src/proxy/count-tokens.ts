import type { CommandContext } from '../framework/index.ts'
import { resolveTarget, type TargetFlags } from '../service/index.ts'
import { resolveTokens } from '../service/tokens.ts'

/**
 * Counts the access tokens that lie ready for a service, on the shelf that all commands of this user share. Undefined
 * where the service takes none. @throws what resolving the service throws
 */
export async function tokenCounter(
  context: CommandContext,
  flags: TargetFlags,
): Promise<(() => Promise<number>) | undefined> {
  const target = await resolveTarget(context, flags)
  const { tokens } = await resolveTokens(context, target, { isLongLived: true })
  const shelf = tokens?.shelf
  if (shelf === undefined) return undefined
  return async () => {
    let count = 0
    // The same list back changes nothing.
    await shelf.update((all) => {
      count = all.filter(({ notAfter }) => notAfter * 1000 > context.io.now()).length
      return all
    })
    return count
  }
}
