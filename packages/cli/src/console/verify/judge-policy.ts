import { DIRECTIVES } from '../content-security-policy.ts'

/** Directives that stand in for a general one where they are there (CSP Level 3, Section 6.8.3). */
const SPECIFIC: Readonly<Record<string, string>> = {
  __proto__: null as never,
  'script-src-elem': 'script-src',
  'script-src-attr': 'script-src',
  'style-src-elem': 'style-src',
  'style-src-attr': 'style-src',
}
/** They take nothing away. */
const HARMLESS: ReadonlySet<string> = new Set(['upgrade-insecure-requests', 'block-all-mixed-content'])
/** What they are left out for is not what `default-src` says. */
const WITHOUT_DEFAULT: ReadonlySet<string> = new Set([
  'base-uri',
  'form-action',
  'frame-ancestors',
  'require-trusted-types-for',
  'trusted-types',
])
/** They tell somebody which page was open where, and what it asked for. */
const REPORTS: readonly string[] = ['report-uri', 'report-to']
const NOT_ASCII = /[^\t -~]/
/** More than any host sends. */
const MAX_CHARACTERS = 16_384

/**
 * What a Content-Security-Policy allows that the pages do without, in words; empty when it is as strict as it must be.
 * Several policies of one answer hold together, so one that is strict enough is enough.
 *
 * @param header as `Headers` joins it; null when there is none
 * @param connect sources that a page may connect to
 */
export function weaknessesOf(header: string | null, connect: readonly string[]): string[] {
  if (header === null) return ['there is none']
  if (header.length > MAX_CHARACTERS) return ['it is too long']
  const policies = header.split(',')
  const found = policies.map((policy) => weaknessesOfOne(policy, connect))
  const best = found.find((one) => one.length === 0) ?? found[0]!
  // The laxer of two forbids nothing more, and reports all the same.
  return [...new Set([...best, ...policies.flatMap(reportsOf)])]
}

function weaknessesOfOne(policy: string, connect: readonly string[]): string[] {
  // Browsers leave out a directive with one of them (CSP Level 3, Section 2.2.1), where we might see a space.
  if (NOT_ASCII.test(policy)) return ['it has characters that are not ASCII']
  const served = parsePolicy(policy)
  const wanted = new Map<string, readonly string[]>([...Object.entries(DIRECTIVES), ['connect-src', connect]])
  const weak: string[] = []
  for (const [name, allowed] of wanted) {
    const given = served.get(name) ?? (WITHOUT_DEFAULT.has(name) ? undefined : served.get('default-src'))
    if (given === undefined) weak.push(`no ${name}`)
    else weak.push(...excess(name, given, allowed))
  }
  // An empty list of what Trusted Types are for requires them for nothing.
  const types = served.get('require-trusted-types-for')
  if (types !== undefined && !types.includes("'script'"))
    weak.push('require-trusted-types-for without script')
  for (const [name, given] of served) {
    if (wanted.has(name) || HARMLESS.has(name)) continue
    const general = SPECIFIC[name]
    if (general !== undefined) weak.push(...excess(name, given, DIRECTIVES[general]!))
    else if (name.endsWith('-src')) weak.push(...excess(name, given, ["'none'"]))
    // Nobody looked at whatever else there is.
    else weak.push(unexpected(name))
  }
  return [...new Set(weak)]
}

function reportsOf(policy: string): string[] {
  return [...parsePolicy(policy).keys()].filter((name) => REPORTS.includes(name)).map(unexpected)
}

const unexpected = (name: string): string => `${name} is not expected`

/** An empty list of sources means none. */
function excess(name: string, given: readonly string[], allowed: readonly string[]): string[] {
  return given
    .filter((source) => source !== "'none'" && !allowed.includes(source))
    .map((source) => `${name} allows ${source}`)
}

/** Of two directives of one name the first counts (CSP Level 3, Section 2.2.1). */
function parsePolicy(text: string): Map<string, string[]> {
  const directives = new Map<string, string[]>()
  for (const part of text.split(';')) {
    const [name, ...sources] = part.trim().split(/[\t\n\f\r ]+/)
    const key = name!.toLowerCase()
    if (key !== '' && !directives.has(key)) directives.set(key, sources)
  }
  return directives
}
