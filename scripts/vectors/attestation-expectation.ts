import type { Family, Reason } from '@sotto/verifier/family'

/** What a vector of evidence says about itself (`expected.json`). Everything but these members is a field or a remark. */
export interface Expectation {
  id: string
  family: Family
  files: string[]
  /** RFC 3339; null where nothing in it depends on the time. */
  verify_at: string | null
  expect: Record<string, unknown>
}

/** How a strict verifier decides; undefined where the vector is no evidence that could be accepted (a log, a certificate). */
export type ExpectedResult = 'accept' | 'reject' | 'authentic only' | 'accept but for collateral' | undefined

/** Members of `expect` that are no fields of a verdict: remarks, results, the way it was checked. */
export const REMARKS: ReadonlySet<string> = new Set([
  'strict_policy_result',
  'reject_reason',
  'relaxed_policy_result',
  'without_collateral',
  'anchor',
  'verify_at',
  'note',
  'ocsp',
  'submods_digest',
])

/** Reads the sentence that states the result of the strict policy. @throws for one that is not understood */
export function expectedResult(text: unknown): ExpectedResult {
  if (text === undefined || text === null) return undefined
  if (typeof text !== 'string') throw new Error(`no result is called ${String(text)}`)
  if (/^n\/a\b/.test(text)) return undefined
  if (/^accept \(.*needs collateral\)/.test(text)) return 'accept but for collateral'
  if (/^accept\b/.test(text)) return 'accept'
  if (/^reject\b/.test(text)) return 'reject'
  if (/^signature\/chain valid\b/.test(text)) return 'authentic only'
  throw new Error(`no result is called ${text}`)
}

/**
 * Classes that a sentence about a refusal may mean, first match wins. Some sentences name alternatives
 * ("quote signature / AK binding (or point not on curve)"): any of them is right.
 */
const SENTENCES: readonly [RegExp, readonly Reason[]][] = [
  [/\balg(orithm)?\s*[= ]\s*none\b|alg none|unsupported alg/i, ['algorithm']],
  [
    /report_data binding|nonce (mismatch|expect)|expected (nonce|report_data)|user_data (mismatch|binding)/i,
    ['binding'],
  ],
  [/runtime data hash|PCR digest|extraData/i, ['binding']],
  [/debug|dbgstat|TUD|devtools/i, ['debug']],
  [/vmpl|migrate|SEPT_VE|XFAM|mrservicetd|guest policy/i, ['guest-policy']],
  [/event.?log|rtmr/i, ['event-log']],
  [
    /host_data|allow-list|golden values|measurement (mismatch|not)|mrtd|mrenclave/i,
    ['measurement', 'collateral-invalid', 'signature'],
  ],
  [/revoked|hold/i, ['revoked']],
  [/reserved|MBZ|trailing|malformed|truncated|version \d/i, ['malformed']],
  [
    /hwid|tcb extension|fmspc mismatch|pceid/i,
    ['certificate-binding', 'signature', 'chain', 'collateral-invalid'],
  ],
  [
    /leaf<-ask|does not chain|certificate chain(?! expired)|pinned .*root|root (mismatch|not)/i,
    ['chain', 'certificate-binding'],
  ],
  [/expired|not yet valid|validity/i, ['expired', 'signature']],
  [
    /tcb_?info signature|qe.?identity signature|CRL|collateral (invalid|signature)|RIM xmldsig|reference digest/i,
    ['collateral-invalid', 'signature'],
  ],
  [/no_vcek|collateral missing|missing collateral|no (crl|rim|tcb)/i, ['collateral-missing']],
  [/tcb/i, ['tcb']],
  [/kid not|issuer|audience|staging|jwks/i, ['issuer']],
  [/AK binding|point not on curve/i, ['signature', 'malformed', 'binding']],
  [/signature/i, ['signature']],
]

/** Classes of refusal that the sentences of a vector stand for. @throws for a sentence that is not understood */
export function expectedReasons(strictResult: unknown, reason: unknown): readonly Reason[] {
  // "reject (collateral missing)" says in the result what others say in the reason.
  const sentence = typeof reason === 'string' ? reason : String(strictResult).replace(/^reject:?\s*/, '')
  if (/AK binding|point not on curve/i.test(sentence)) return ['signature', 'malformed', 'binding']
  for (const [pattern, classes] of SENTENCES) if (pattern.test(sentence)) return classes
  throw new Error(`no class of refusal is called ${sentence}`)
}
