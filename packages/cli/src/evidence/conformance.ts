import { fromBase64, fromHex, fromUtf8 } from '@sotto/protocol/bytes'
import { parseStrictJson } from '@sotto/protocol/jcs'
import { verifyFamily } from '@sotto/verifier/appraisal'
import { conformancePolicy, type EvidenceVerdict, FAMILIES, type Family } from '@sotto/verifier/family'
import { cliError } from '../errors.ts'
import { parseTime } from '../input/index.ts'

/** Requests carry evidence and collateral in base64. */
export const MAX_CONFORMANCE_BYTES: number = 16 * 1024 * 1024

/** One question of a foreign test suite. */
export interface ConformanceRequest {
  family: Family
  evidence: Uint8Array
  collateral: Record<string, Uint8Array>
  policy: object | undefined
  /** Unix seconds. */
  at: number
  expectedReportData: Uint8Array | undefined
}

const MEMBERS: ReadonlySet<string> = new Set([
  'family',
  'evidence',
  'collateral',
  'policy',
  'at',
  'expected_report_data',
])

/**
 * Reads one request: `{family, evidence: base64, collateral?: {name: base64}, policy?, at: RFC 3339,
 * expected_report_data?: hex}`. Whatever is wrong with the *evidence* is a verdict; only a request that is
 * not one is an error.
 * @throws `CLI_USAGE` naming the member
 */
export function parseConformanceRequest(text: Uint8Array): ConformanceRequest {
  const value = member('request', () => parseStrictJson(fromUtf8(text), { maxBytes: MAX_CONFORMANCE_BYTES }))
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong('request', 'an object')
  const request = value as Record<string, unknown>
  const unknown = Object.keys(request).find((name) => !MEMBERS.has(name))
  if (unknown !== undefined) throw wrong(unknown, `one of ${[...MEMBERS].join(', ')}`)
  const family = FAMILIES.find((name) => name === request['family'])
  if (family === undefined) throw wrong('family', FAMILIES.join(' | '))
  const { collateral = {}, policy, expected_report_data: expected } = request
  if (typeof collateral !== 'object' || collateral === null)
    throw wrong('collateral', 'an object of base64 texts')
  if (policy !== undefined && (typeof policy !== 'object' || policy === null))
    throw wrong('policy', 'an object')
  const given = policy === undefined || policy === null ? undefined : conformancePolicy(policy)
  const bound =
    expected === undefined ? given?.expectedReportData : bytesOf('expected_report_data', expected, fromHex)
  return {
    family,
    evidence: bytesOf('evidence', request['evidence'], fromBase64),
    collateral: Object.fromEntries(
      Object.entries(collateral).map(([name, piece]) => [
        name,
        bytesOf(`collateral.${name}`, piece, fromBase64),
      ]),
    ),
    policy: given?.policy,
    at: parseTime('the member at', String(request['at'])),
    expectedReportData: bound,
  }
}

/** The verdict of a request. @throws `POLICY_MALFORMED` */
export function answerConformance(request: ConformanceRequest): EvidenceVerdict {
  const { family, evidence, collateral, policy, at, expectedReportData } = request
  return verifyFamily(family, {
    evidence,
    collateral,
    at,
    // A suite speaks as the relying party: its collateral is its own.
    trustKeySets: true,
    ...(policy !== undefined && { policy }),
    ...(expectedReportData !== undefined && { expectedReportData }),
  })
}

function bytesOf(name: string, value: unknown, decode: (text: string) => Uint8Array): Uint8Array {
  if (typeof value !== 'string') throw wrong(name, 'a text')
  return member(name, () => decode(value))
}

function member<Result>(name: string, run: () => Result): Result {
  try {
    return run()
  } catch (cause) {
    throw wrong(name, 'what the documentation says', cause)
  }
}

function wrong(name: string, expected: string, cause?: unknown): Error {
  return cliError('CLI_USAGE', `the member ${name} is missing or not understood`, {
    expected,
    hint: 'see docs/verify.md, "Driving it from another suite"',
    ...(cause !== undefined && { cause }),
  })
}
