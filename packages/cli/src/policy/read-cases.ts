import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fromHex, fromUtf8 } from '@sotto/protocol/bytes'
import { hex, literal, members, oneOf, parseStrictJson, text, type Decoder } from '@sotto/protocol/jcs'
import type { CaseExpectation, EvidencePiece, EvidencePolicy, PolicyCase } from '@sotto/verifier/appraisal'
import { type Reason, REASONS } from '@sotto/verifier/family'
import { cliError } from '../errors.ts'
import type { Io } from '../framework/index.ts'
import { asPolicyMeans, pieceOf, readFiles } from './read-evidence.ts'
import { parseTime } from '../input/index.ts'

const CASE_FILE = 'case.json'
const MAX_CASES = 1000

/** What stands in `case.json`. */
interface CaseDocument {
  version: 1
  /** RFC 3339. */
  at: string
  expect: 'admitted' | 'refused'
  tuple?: string
  reason?: Reason
  reportData?: string
  /** RFC 3339. */
  boundAt?: string
}

const caseDecoder: Decoder<CaseDocument> = members<CaseDocument>(
  { version: literal(1), at: text(40), expect: oneOf('admitted', 'refused') },
  { tuple: text(64), reason: oneOf(...REASONS), reportData: hex(64), boundAt: text(40) },
)

/**
 * Cases in a folder: every folder in it with a `case.json` is one. Its other files are one piece of evidence
 * with its collateral; with more pieces, each has a folder of its own.
 * @throws `CLI_FILE` none, too many, or one that is malformed
 */
export async function readCases(io: Io, name: string, policy: EvidencePolicy): Promise<PolicyCase[]> {
  const folder = resolve(io.cwd, name)
  const names = await foldersIn(folder, name)
  if (names.length > MAX_CASES) throw cliError('CLI_FILE', `${name} holds more than ${MAX_CASES} cases`)
  const cases: PolicyCase[] = []
  for (const one of names) {
    const found = await readCase(join(folder, one), one, policy)
    if (found !== undefined) cases.push(found)
  }
  if (cases.length === 0)
    throw cliError('CLI_FILE', `${name} holds no case`, {
      hint: `a case is a folder with ${CASE_FILE} and evidence; see docs/policy.md`,
    })
  return cases
}

async function readCase(path: string, name: string, policy: EvidencePolicy): Promise<PolicyCase | undefined> {
  const { [CASE_FILE]: document, ...files } = await readFiles(path, name)
  if (document === undefined) return undefined
  const { at, expect, tuple, reason, reportData, boundAt } = parseCase(document, name)
  const folders = await foldersIn(path, name)
  const pieces: EvidencePiece[] = []
  for (const folder of folders) {
    const label = `${name}/${folder}`
    pieces.push(asPolicyMeans(pieceOf(await readFiles(join(path, folder), label), label), policy))
  }
  if (Object.keys(files).length > 0) pieces.unshift(asPolicyMeans(pieceOf(files, name), policy))
  const expected: CaseExpectation = {
    admitted: expect === 'admitted',
    ...(tuple !== undefined && { tuple }),
    ...(reason !== undefined && { reason }),
  }
  return {
    name,
    pieces,
    at: parseTime(`${name}/${CASE_FILE}: at`, at),
    expect: expected,
    ...(reportData !== undefined && { expectedReportData: fromHex(reportData) }),
    ...(boundAt !== undefined && { boundAt: parseTime(`${name}/${CASE_FILE}: boundAt`, boundAt) }),
  }
}

function parseCase(bytes: Uint8Array, name: string): CaseDocument {
  try {
    return caseDecoder(parseStrictJson(fromUtf8(bytes)), 'case')
  } catch (cause) {
    const { message, expected, found } = cause as { message: string; expected?: string; found?: string }
    throw cliError('CLI_FILE', `${name}/${CASE_FILE} is no case: ${message}`, {
      cause,
      ...(expected !== undefined && { expected }),
      ...(found !== undefined && { found }),
    })
  }
}

async function foldersIn(path: string, label: string): Promise<string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true })
    return entries
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map(({ name }) => name)
      .sort()
  } catch (cause) {
    throw cliError('CLI_FILE', `cannot read ${label}`, { cause, hint: 'name a folder of cases' })
  }
}
