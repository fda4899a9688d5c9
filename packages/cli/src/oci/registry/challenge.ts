/** What a registry wants to see (RFC 9110, 11.6.1; distribution, "token authentication"). */
export type Challenge =
  | { scheme: 'basic' }
  | { scheme: 'bearer'; realm: string; service?: string; scope?: string }

const MAX_HEADER = 4096
const PARAMETER = /^\s*([a-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))\s*(?:,|$)/i

/** The challenge of a `WWW-Authenticate` header; undefined for others, and for damaged ones. Untrusted. */
export function parseChallenge(header: string | null): Challenge | undefined {
  if (header === null || header.length > MAX_HEADER) return undefined
  const [, scheme = '', rest = ''] = /^\s*([A-Za-z]+)(?:\s+(.*))?$/s.exec(header) ?? []
  if (scheme.toLowerCase() === 'basic') return { scheme: 'basic' }
  if (scheme.toLowerCase() !== 'bearer') return undefined
  const found = new Map<string, string>()
  for (let text = rest; text.trim() !== '';) {
    const match = PARAMETER.exec(text)
    if (match === null) return undefined
    const name = match[1]!.toLowerCase()
    if (found.has(name)) return undefined
    found.set(name, match[2]?.replaceAll(/\\(.)/g, '$1') ?? match[3] ?? '')
    text = text.slice(match[0].length)
  }
  const [realm, service, scope] = ['realm', 'service', 'scope'].map((name) => found.get(name))
  if (realm === undefined) return undefined
  return {
    scheme: 'bearer',
    realm,
    ...(service !== undefined && { service }),
    ...(scope !== undefined && { scope }),
  }
}
