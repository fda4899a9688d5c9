import { utf8 } from '@sotto/protocol/bytes'
import { parseDsse } from '@sotto/protocol/dsse'
import { parseStrictJson } from '@sotto/protocol/jcs'
import {
  decodeDocument,
  PAYLOAD_TYPES,
  type ReleaseStatement,
  releaseStatementDecoder,
} from '@sotto/protocol/keyrelease'
import { findReleaseDefect } from '@sotto/verifier/workload'
import { cliError } from '../errors.ts'
import { malformed } from '../policy/index.ts'
import { parseReleaseFile } from '../source/index.ts'
import { type NamedText, readReleases } from './proposal-files.ts'

/** A secure key release policy: https://learn.microsoft.com/azure/key-vault/keys/policy-grammar */
export interface SkrPolicy {
  version: '1.0.0'
  anyOf: { authority: string; allOf: Condition[] }[]
}

/** What one claim has to be. */
interface Condition {
  claim: string
  equals: string
}

/** Members of a release's evidence that become claims, and claims that say nobody looks in. Both are all fixed. */
const CLAIMS = {
  'sev-snp': {
    fixed: { 'x-ms-attestation-type': 'sevsnpvm', 'x-ms-sevsnpvm-is-debuggable': 'false' },
    pinned: {
      measurements: 'x-ms-sevsnpvm-launchmeasurement',
      hostData: 'x-ms-sevsnpvm-hostdata',
    },
  },
  tdx: {
    fixed: { 'x-ms-attestation-type': 'tdxvm', tdx_td_attributes_debug: 'false' },
    pinned: {
      mrTd: 'tdx_mrtd',
      rtmr0: 'tdx_rtmr0',
      rtmr1: 'tdx_rtmr1',
      rtmr2: 'tdx_rtmr2',
      rtmr3: 'tdx_rtmr3',
      mrConfigId: 'tdx_mrconfigid',
    },
  },
} as const satisfies Record<string, { fixed: Record<string, string>; pinned: Record<string, string> }>

/** Of one statement: a few values of two members. An HSM takes policies of some kilobytes. */
const MAX_BRANCHES = 64

/**
 * The policy by which an HSM releases a key to these releases and to no other program: one branch for each way their
 * evidence can be.
 * @param authority URL of the attestation service
 * @throws `CLI_CONFIG` for a release on hardware that the service does not vouch for, or whose evidence says what it has no claim for
 */
export function skrPolicyOf(releases: readonly ReleaseStatement[], authority: string): SkrPolicy {
  const anyOf = releases.flatMap(({ predicate: { evidence } }) => {
    const { family, ...pins } = evidence
    if (!Object.hasOwn(CLAIMS, family))
      throw cliError('CLI_CONFIG', 'no key of a managed HSM is released to hardware of this kind', {
        expected: Object.keys(CLAIMS).join(' or '),
        found: family,
      })
    const { fixed, pinned } = CLAIMS[family as keyof typeof CLAIMS]
    const names: Readonly<Record<string, string>> = pinned
    const unknown = Object.keys(pins).find((name) => !Object.hasOwn(names, name))
    if (unknown !== undefined)
      throw cliError('CLI_CONFIG', 'the release names something a token has no claim for', { found: unknown })
    const start: Condition[] = Object.entries(fixed).map(([claim, equals]) => ({ claim, equals }))
    // In the order of the table: in a document they stand by the alphabet.
    return Object.entries(names).reduce<Condition[][]>(
      (branches, [name, claim]) => {
        if (!Object.hasOwn(pins, name)) return branches
        const values = pins[name] as string[]
        return branches.flatMap((branch) => values.map((equals) => [...branch, { claim, equals }]))
      },
      [start],
    )
  })
  if (anyOf.length > MAX_BRANCHES)
    throw cliError('CLI_CONFIG', 'the releases can be in too many ways for one policy', {
      expected: `at most ${MAX_BRANCHES}`,
      found: `${anyOf.length}`,
    })
  return { version: '1.0.0', anyOf: anyOf.map((allOf) => ({ authority, allOf })) }
}

/**
 * Release statements of the KMS in a `release.json`, or logged ones: `{envelope, index}`, or a list of them. Whoever
 * makes the policy vouches for them: signatures are not looked at here.
 * @throws `CLI_CONFIG`, `CLI_FILE`
 */
export function readKmsReleases(file: NamedText): ReleaseStatement[] {
  return envelopesOf(file).map((envelope) => {
    let statement: ReleaseStatement
    try {
      const { payload, payloadType } = parseDsse(utf8(envelope))
      if (payloadType !== PAYLOAD_TYPES.release) throw new Error(`it is ${payloadType}`)
      statement = decodeDocument(payload, releaseStatementDecoder, 'release')
    } catch (cause) {
      throw malformed(file.label, 'a release statement', cause)
    }
    const defect = findReleaseDefect(statement)
    const { role } = statement.predicate
    if (defect !== undefined || role !== 'kms')
      throw cliError('CLI_CONFIG', `${file.label} is no release of a KMS that can be used`, {
        expected: 'role kms',
        found: defect ?? `role ${role}`,
      })
    return statement
  })
}

function envelopesOf(file: NamedText): string[] {
  const { label, text } = file
  if (!isReleaseFile(text)) return readReleases(file).map(({ envelope }) => envelope)
  const { statement } = parseReleaseFile(text, label).roles.kms ?? {}
  if (statement !== undefined) return [statement]
  throw cliError('CLI_CONFIG', `${label} has no signed release of the KMS`, {
    hint: 'npm run release:build signs where it is given a release key',
  })
}

function isReleaseFile(text: string): boolean {
  try {
    const value = parseStrictJson(text, { maxBytes: 4 * 1024 * 1024 })
    return typeof value === 'object' && value !== null && Object.hasOwn(value, 'format')
  } catch {
    return false
  }
}
