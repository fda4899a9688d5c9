import { fromBase64, fromHex, fromUtf8 } from '@sotto/protocol/bytes'
import { SottoError } from '@sotto/protocol/errors'
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
  policy: object
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
  const request = objectOf('request', readJson(text))
  const unknown = Object.keys(request).find((name) => !MEMBERS.has(name))
  if (unknown !== undefined) throw wrong(unknown, `one of ${[...MEMBERS].join(', ')}`)
  const family = FAMILIES.find((name) => name === request['family'])
  if (family === undefined) throw wrong('family', FAMILIES.join(' | '))
  const { collateral = {}, policy = {}, expected_report_data: expected, at } = request
  const given = member('policy', 'the members of the policy of this family, each once', () =>
    conformancePolicy(objectOf('policy', policy)),
  )
  if (expected !== undefined && given.expectedReportData !== undefined)
    throw wrong('expected_report_data', 'one expectation, and none in the policy as well')
  if (typeof at !== 'string') throw wrong('at', 'a time like 2026-11-28T12:00:00Z')
  return {
    family,
    evidence: bytesOf('evidence', request['evidence'], BASE64, fromBase64),
    collateral: Object.fromEntries(
      Object.entries(objectOf('collateral', collateral)).map(([name, piece]) => [
        name,
        bytesOf(`collateral.${name}`, piece, BASE64, fromBase64),
      ]),
    ),
    policy: given.policy,
    at: parseTime('the member at', at),
    expectedReportData:
      expected === undefined
        ? given.expectedReportData
        : bytesOf('expected_report_data', expected, 'hexadecimal', fromHexOfAnyCase),
  }
}

const BASE64 = 'base64 with its padding, without white space'

function readJson(text: Uint8Array): unknown {
  return member('request', 'one JSON document in UTF-8, in which no name stands twice', () =>
    parseStrictJson(fromUtf8(text), { maxBytes: MAX_CONFORMANCE_BYTES }),
  )
}

/** What a suite is told: of a verdict the five members that do not change. */
export type ConformanceAnswer = Pick<
  EvidenceVerdict,
  'authentic' | 'acceptable' | 'reason' | 'steps' | 'fields'
>

/** The verdict of a request. @throws `POLICY_MALFORMED` */
export function answerConformance(request: ConformanceRequest): ConformanceAnswer {
  const { family, evidence, collateral, policy, at, expectedReportData } = request
  const { authentic, acceptable, reason, steps, fields } = verifyFamily(family, {
    evidence,
    collateral,
    at,
    policy,
    // A suite speaks as the relying party: its collateral is its own.
    trustKeySets: true,
    ...(expectedReportData !== undefined && { expectedReportData }),
  })
  return { authentic, acceptable, reason, steps, fields }
}

function objectOf(name: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(name, 'an object')
  return value as Record<string, unknown>
}

function bytesOf(
  name: string,
  value: unknown,
  expected: string,
  decode: (text: string) => Uint8Array,
): Uint8Array {
  if (typeof value !== 'string') throw wrong(name, `a text: ${expected}`)
  return member(name, expected, () => decode(value))
}

function fromHexOfAnyCase(text: string): Uint8Array {
  return fromHex(text.toLowerCase())
}

function member<Result>(name: string, expected: string, run: () => Result): Result {
  try {
    return run()
  } catch (cause) {
    if (cause instanceof SottoError && cause.code === 'CLI_USAGE') throw cause
    throw wrong(name, expected, cause)
  }
}

function wrong(name: string, expected: string, cause?: unknown): Error {
  // Whoever wrote the request chose the name.
  return cliError('CLI_USAGE', `the member ${name.slice(0, 128)} is missing or not understood`, {
    expected,
    ...(cause instanceof Error && { found: cause.message }),
    hint: 'see docs/verify.md, "Driving it from another suite"',
    ...(cause !== undefined && { cause }),
  })
}
