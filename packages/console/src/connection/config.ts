import { loadMissingFamilies, parseTrustPolicy, type TrustPolicy } from '@sotto/verifier'
import { words } from '../words/index.ts'

/** Where the page asks, and by which rules it judges. */
export interface ConsoleConfig {
  relay: string
  gateway: string
  policy: TrustPolicy
}

/** Longest `console.json`. */
export const MAX_CONFIG_BYTES = 1024 * 1024

/**
 * Reads `console.json`, which whoever serves the page wrote.
 * @throws `Error` that says what is missing; `POLICY_MALFORMED`
 */
export async function parseConfig(text: string): Promise<ConsoleConfig> {
  const value = parse(text) as Record<string, unknown> | null
  const { relay, gateway = 'inference', policy } = value ?? {}
  if (typeof relay !== 'string' || typeof gateway !== 'string' || typeof policy !== 'object' || !policy)
    throw new TypeError(words.config.incomplete)
  return { relay, gateway, policy: await parsePolicy(JSON.stringify(policy)) }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new TypeError(words.config.malformed, { cause })
  }
}

/** Loads the kinds of evidence that it names. */
async function parsePolicy(json: string): Promise<TrustPolicy> {
  for (;;)
    try {
      return parseTrustPolicy(json)
    } catch (error) {
      if (!(await loadMissingFamilies())) throw error
    }
}

/** Whether the page comes from a program on this machine; else its verdict is worth what whoever served it is (T21). */
export function isServedLocally(hostname: string): boolean {
  return /^(?:127(?:\.\d{1,3}){3}|localhost|\[::1\])$/.test(hostname)
}
