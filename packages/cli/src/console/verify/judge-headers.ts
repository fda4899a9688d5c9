import { policyOf } from '../content-security-policy.ts'
import { STRICT_HEADERS } from '../headers.ts'
import { weaknessesOf } from './judge-policy.ts'

/** A header that does not keep the page to itself. */
export interface HeaderProblem {
  name: string
  expected: string
  found: string
}

/** They load, send or show something that stands in no file: a style sheet, a report, another page. */
const UNEXPECTED = [
  'content-security-policy-report-only',
  'link',
  'refresh',
  'speculation-rules',
  'nel',
  'report-to',
  'reporting-endpoints',
  'service-worker-allowed',
  'set-cookie',
  'content-location',
  'origin-trial',
  'accept-ch',
] as const
const MAX_SHOWN = 300
/** One feature for nobody or for the page alone. Of a header that is no structured field (RFC 9651) browsers take nothing. */
const FEATURE = /^[ \t]*([a-z][a-z0-9-]*)=\( *(self)? *\)[ \t]*$/

/**
 * Judges what the first page is served with.
 * @param connect sources that it may connect to
 */
export function judgeHeaders(headers: Headers, connect: readonly string[]): HeaderProblem[] {
  const name = 'content-security-policy'
  const policy = headers.get(name)
  const expected = policy === null ? policyOf(connect) : 'no more than sotto console allows'
  const problems: HeaderProblem[] = weaknessesOf(policy, connect).map((found) => ({
    name,
    expected,
    found: shown(found),
  }))
  for (const [name, expected] of Object.entries(STRICT_HEADERS)) {
    const found = headers.get(name)
    const isStrict = name === 'permissions-policy' ? grantsLittle(found) : found?.toLowerCase() === expected
    if (!isStrict) problems.push({ name, expected, found: shown(found ?? 'none') })
  }
  for (const name of UNEXPECTED) {
    const found = headers.get(name)
    if (found !== null) problems.push({ name, expected: 'none', found: shown(found) })
  }
  return problems
}

/** Every feature that is named is switched off, or for the page alone; those of {@link STRICT_HEADERS} are named. */
function grantsLittle(header: string | null): boolean {
  const granted = new Map<string, string | undefined>()
  for (const part of (header ?? '').split(',')) {
    const [, name, origin] = FEATURE.exec(part) ?? []
    if (name === undefined) return false
    granted.set(name, origin)
  }
  const named = STRICT_HEADERS['permissions-policy']!.split(', ').map((part) => part.split('=')[0]!)
  if (!named.every((name) => granted.has(name))) return false
  return [...granted].every(([name, origin]) => origin === undefined || name === 'microphone')
}

function shown(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
}
