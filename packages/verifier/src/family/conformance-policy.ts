import { fromHex } from '@sotto/protocol/bytes'

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
 * are only translated here: whether they exist is for the family's decoder to say.
 */
export function conformancePolicy(given: object): {
  policy: object
  expectedReportData: Uint8Array | undefined
} {
  const policy: Record<string, unknown> = {}
  let expectedReportData: Uint8Array | undefined
  for (const [name, value] of Object.entries(given)) {
    if (BINDINGS.has(name)) expectedReportData = fromHex(String(value))
    else policy[SYNONYMS[name] ?? camelCase(name)] = value
  }
  return { policy, expectedReportData }
}

function camelCase(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase())
}
