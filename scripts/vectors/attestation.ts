import { verifyFamily } from '@sotto/verifier/appraisal'
import {
  choosePieces,
  conformancePolicy,
  type EvidenceVerdict,
  type FieldValue,
} from '@sotto/verifier/family'
import {
  expectedReasons,
  expectedResult,
  type ExpectedResult,
  REMARKS,
  type Expectation,
} from './attestation-expectation.ts'
import { checkParts } from './attestation-parts.ts'
import type { VectorCase, VectorFamily, VectorFile } from './harness.ts'

const FOLDER = 'attestation'

/**
 * Genuine and mutated evidence of real hardware and services: each directory with its `expected.json` and
 * the files it names. Four cases for each, counted by family: the verdict, the class of the reason, the
 * values of the fields, and that names and order of the pieces do not matter.
 */
export const attestation: VectorFamily = {
  folder: FOLDER,
  isGrouped: true,
  *cases(files) {
    const byName = new Map(files.map((file) => [file.name.replaceAll('\\', '/'), file]))
    const used = new Set<string>()
    for (const [name, file] of byName) {
      if (!name.endsWith('/expected.json')) continue
      used.add(name)
      yield* directoryCases(name, file, byName, used)
    }
    yield* otherFiles(byName, used)
  },
}

function* directoryCases(
  name: string,
  file: VectorFile,
  files: ReadonlyMap<string, VectorFile>,
  used: Set<string>,
): Iterable<VectorCase> {
  const folder = name.slice(0, name.lastIndexOf('/'))
  let expectation: Expectation
  try {
    expectation = JSON.parse(file.text) as Expectation
  } catch (cause) {
    yield failing('(not understood)', name, new Error('expected.json is not JSON', { cause }))
    return
  }
  const pieces: Record<string, Uint8Array> = {}
  for (const piece of expectation.files) {
    const found = files.get(`${folder}/${piece}`)
    if (found === undefined)
      yield failing('(missing files)', `${folder}/${piece}`, new Error('the file is missing'))
    else pieces[piece] = found.bytes
    used.add(`${folder}/${piece}`)
  }
  const group = (what: string): string => `${expectation.family}: ${what}`
  const result = readResult(expectation)
  if (result instanceof Error) {
    yield failing(group('verdict'), folder, result)
    return
  }
  if (choosePieces(pieces) === undefined) {
    // No evidence by itself: a log, a certificate, a set of keys. Its parts are checked.
    yield { file: group('parts'), name: folder, run: () => checkParts(expectation, pieces) }
    return
  }
  const judge = (given = pieces, policy?: object): EvidenceVerdict => verdictOf(expectation, given, policy)
  if (result !== undefined) {
    yield {
      file: group('verdict'),
      name: folder,
      run() {
        const verdict = judge()
        if (!isAsExpected(result, verdict)) throw new Error(`expected ${result}, found ${describe(verdict)}`)
      },
    }
  }
  if (result === 'reject') {
    yield {
      file: group('reason'),
      name: folder,
      run() {
        const { strict_policy_result: strict, reject_reason: reason } = expectation.expect
        const expected = expectedReasons(strict, reason)
        const found = judge().steps.flatMap(({ status, class: of }) => (status === 'fail' && of ? [of] : []))
        if (!found.some((of) => expected.includes(of)))
          throw new Error(`expected ${expected.join(' or ')}, found ${found.join(', ') || 'none'}`)
      },
    }
  }
  const relaxed = expectation.expect['relaxed_policy_result'] as
    | { policy: object; result: string }
    | undefined
  if (relaxed !== undefined) {
    yield {
      file: group('relaxed policy'),
      name: folder,
      run() {
        const verdict = judge(pieces, relaxed.policy)
        if (verdict.acceptable !== (expectedResult(relaxed.result) === 'accept'))
          throw new Error(`expected ${relaxed.result}, found ${describe(verdict)}`)
      },
    }
  }
  const fields = Object.entries(expectation.expect).filter(([key, value]) => isField(key, value))
  if (fields.length > 0) {
    yield {
      file: group('fields'),
      name: folder,
      run() {
        const found = judge().fields
        for (const [key, value] of fields) requireField(key, found[key], value)
      },
    }
  }
  yield {
    file: group('renamed and shuffled'),
    name: folder,
    run() {
      const shuffled = Object.entries(pieces).toReversed()
      const renamed = Object.fromEntries(shuffled.map(([, bytes], index) => [`piece-${index}`, bytes]))
      const [a, b] = [judge(), judge(renamed)]
      if (a.authentic !== b.authentic || a.acceptable !== b.acceptable || a.reason !== b.reason)
        throw new Error(`expected ${describe(a)}, found ${describe(b)}`)
    },
  }
  yield {
    file: group('without one piece'),
    name: folder,
    run() {
      const whole = judge()
      for (const removed of Object.keys(pieces)) {
        const rest = Object.fromEntries(Object.entries(pieces).filter(([piece]) => piece !== removed))
        if (choosePieces(rest) === undefined) continue
        if (judge(rest).acceptable && !whole.acceptable) throw new Error(`without ${removed} it is accepted`)
      }
    },
  }
}

function isAsExpected(result: ExpectedResult, verdict: EvidenceVerdict): boolean {
  const { authentic, acceptable, steps, fields } = verdict
  if (result === 'authentic only') return authentic
  if (result !== 'accept but for collateral' || acceptable) return acceptable === (result !== 'reject')
  // What is given is right; whether a TDX platform is current takes collateral, which is not there.
  const failed = steps.filter(({ status }) => status === 'fail')
  return (
    authentic &&
    fields['report_type'] === 'TDX' &&
    failed.every((step) => step.class === 'collateral-missing')
  )
}

/** Files that belong to no directory of evidence. Roots and the index are none: the verifier has its own roots. */
function* otherFiles(
  files: ReadonlyMap<string, VectorFile>,
  used: ReadonlySet<string>,
): Iterable<VectorCase> {
  for (const [name] of files) {
    if (used.has(name) || name === 'index.json' || name.startsWith('roots/')) continue
    yield failing('(not understood)', name, new Error('the file belongs to no expected.json'))
  }
}

function readResult({ expect }: Expectation): ReturnType<typeof expectedResult> | Error {
  try {
    return expectedResult(expect['strict_policy_result'])
  } catch (error) {
    return error as Error
  }
}

function verdictOf(
  { family, verify_at: at, expect }: Expectation,
  pieces: Record<string, Uint8Array>,
  relaxed?: object,
): EvidenceVerdict {
  const chosen = choosePieces(pieces)
  if (chosen === undefined) throw new Error('no piece is evidence')
  if (chosen.family !== family) throw new Error(`recognised as ${chosen.family}`)
  const given = relaxed ?? (typeof expect['policy'] === 'object' ? expect['policy'] : undefined)
  const { policy, expectedReportData } = conformancePolicy(given ?? {})
  const { evidence, collateral } = chosen
  return verifyFamily(family, {
    evidence,
    collateral,
    trustKeySets: true,
    // Where nothing depends on the time, the beginning of the year in which the vectors were collected.
    at: Date.parse(at ?? '2026-01-01T00:00:00Z') / 1000,
    policy,
    ...(expectedReportData !== undefined && { expectedReportData }),
  })
}

function isField(key: string, value: unknown): boolean {
  if (REMARKS.has(key)) return false
  // The policy of an SNP guest is a field, the policy of the relying party is not.
  return key !== 'policy' || typeof value === 'string'
}

function requireField(path: string, found: FieldValue | undefined, expected: unknown): void {
  if (typeof expected === 'object' && expected !== null && !Array.isArray(expected)) {
    for (const [key, value] of Object.entries(expected)) {
      const inner =
        typeof found === 'object' && found !== null ? (found as Record<string, FieldValue>)[key] : undefined
      requireField(`${path}.${key}`, inner, value)
    }
    return
  }
  if (JSON.stringify(found) !== JSON.stringify(expected))
    throw new Error(`${path}: expected ${shorten(expected)}, found ${shorten(found)}`)
}

function describe({
  authentic,
  acceptable,
  steps,
}: Pick<EvidenceVerdict, 'authentic' | 'acceptable' | 'steps'>): string {
  const failed = steps
    .filter(({ status }) => status === 'fail')
    .map((step) => `${step.name} (${step.reason})`)
  const word = acceptable ? 'acceptable' : authentic ? 'authentic, not acceptable' : 'not authentic'
  return failed.length === 0 ? word : `${word}: ${failed.join('; ')}`
}

function failing(file: string, name: string, error: Error): VectorCase {
  return {
    file,
    name,
    run() {
      throw error
    },
  }
}

function shorten(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length <= 100 ? text : `${text.slice(0, 100)}…`
}
