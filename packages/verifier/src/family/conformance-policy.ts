import { fromHex } from '@sotto/protocol/bytes'
import { jcsError } from '@sotto/protocol/jcs'

/** Names that other suites use, where they are not ours in snake case. */
const SYNONYMS: Readonly<Record<string, string>> = {
  accept_tcb_status: 'acceptedTcbStatuses',
  accept_tcb_statuses: 'acceptedTcbStatuses',
  allowed_tcb_status: 'acceptedTcbStatuses',
  accept_advisories: 'acceptedAdvisories',
  allowed_advisories: 'acceptedAdvisories',
  accept_vmpl: 'vmpls',
  allowed_vmpls: 'vmpls',
  allow_migrate_ma: 'allowMigrationAgent',
}

/** Members that say what evidence must be bound to, and no property of it. */
const BINDINGS: ReadonlySet<string> = new Set([
  'expected_report_data',
  'expected_nonce',
  'expectedReportData',
  'expectedNonce',
])

/**
 * A policy as suites of other implementations write it: the members of the family's own policy in camel
 * or snake case, the synonyms above, and `expected_report_data` or `expected_nonce` in hexadecimal. Names
 * are only translated here, also those of a policy inside this one: whether they exist is for the family's
 * decoder to say.
 *
 * @throws `JCS_FIELD` for one member under two names; `BYTES_ENCODING`
 */
export function conformancePolicy(given: object): {
  policy: object
  expectedReportData: Uint8Array | undefined
} {
  const policy: Record<string, unknown> = {}
  let expectedReportData: Uint8Array | undefined
  for (const [name, value] of Object.entries(given)) {
    const own = Object.hasOwn(SYNONYMS, name) ? SYNONYMS[name]! : camelCase(name)
    const isBinding = BINDINGS.has(name)
    if (isBinding ? expectedReportData !== undefined : Object.hasOwn(policy, own))
      throw jcsError('JCS_FIELD', 'the policy says one thing under two names')
    if (isBinding) expectedReportData = fromHex(String(value).toLowerCase())
    else policy[own] = NESTED.has(own) && isPlain(value) ? nested(value) : value
  }
  return { policy, expectedReportData }
}

/** Members of `azure-cvm` that are policies of other families. */
const NESTED: ReadonlySet<string> = new Set(['snp', 'tdx'])

function nested(given: object): object {
  const { policy, expectedReportData } = conformancePolicy(given)
  if (expectedReportData === undefined) return policy
  throw jcsError('JCS_FIELD', 'a policy inside another one says what evidence is bound to')
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function camelCase(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase())
}
