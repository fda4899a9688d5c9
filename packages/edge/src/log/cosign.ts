import { hasCode } from '@sotto/protocol/errors'
import { edgeError } from '../errors.ts'
import type { CosignRequest, WitnessClient } from './witness-client.ts'

/** How cosignatures are gathered. */
export interface QuorumOptions {
  witnesses: readonly WitnessClient[]
  quorum: number
  /** Longest wait for the quorum, in milliseconds. */
  timeoutMs: number
  /** Wait for the others once the quorum is there, in milliseconds. */
  graceMs: number
}

/**
 * Asks all witnesses at once and returns the cosignature lines of at least `quorum` of them.
 * @throws `LOG_FORKED` when *any* witness contradicts this tree: safety before availability
 * @throws `LOG_NOT_WITNESSED` when too few cosigned in time
 */
export async function collectCosignatures(
  request: CosignRequest,
  options: QuorumOptions,
  stop: AbortSignal,
): Promise<string[]> {
  const timeout = new AbortController()
  const timer = setTimeout(() => timeout.abort(), options.timeoutMs)
  const signal = AbortSignal.any([stop, timeout.signal])
  const lines: (string | undefined)[] = []
  let count = 0
  let grace: NodeJS.Timeout | undefined
  try {
    await new Promise<void>((resolve, reject) => {
      let open = options.witnesses.length
      const settle = (): void => {
        if (--open === 0) resolve()
        else if (count >= options.quorum) grace ??= setTimeout(resolve, options.graceMs)
      }
      const ask = async (witness: WitnessClient, position: number): Promise<void> => {
        try {
          lines[position] = await witness.cosign(request, signal)
          count++
        } catch (error) {
          if (hasCode(error, 'LOG_FORKED')) reject(error)
        }
        settle()
      }
      for (const [position, witness] of options.witnesses.entries()) void ask(witness, position)
    })
  } finally {
    clearTimeout(timer)
    clearTimeout(grace)
    timeout.abort()
  }
  const found = lines.filter((line) => line !== undefined)
  if (found.length < options.quorum) {
    throw edgeError('LOG_NOT_WITNESSED', 'too few witnesses cosigned', {
      expected: `${options.quorum}`,
      found: `${found.length}`,
    })
  }
  return found
}
