import { canonicalJson, type JsonValue, parseStrictJson } from '@sotto/protocol/jcs'
import { fromUtf8 } from '@sotto/protocol/bytes'
import { type Constitution, constitutionDecoder, type InForce } from '@sotto/protocol/governance'
import {
  type KeyReleasePolicy,
  type LoggedStatement,
  loggedStatementDecoder,
  parseKeyReleasePolicy,
} from '@sotto/protocol/keyrelease'
import { encodeEvidencePolicy, lintPolicy, type LintFinding } from '@sotto/verifier/appraisal'
import { evidencePolicyOf } from '@sotto/verifier/workload'
import { malformed } from '../policy/index.ts'

/** A file of a person, and what it is called. */
export interface NamedText {
  label: string
  text: string
}

const MAX_FILE_BYTES = 256 * 1024

/** A key-release policy; `version`, `genesis` and `createdAt` may be left out. @throws `CLI_CONFIG` */
export function readKeyReleasePolicy(file: NamedText, genesis: string, now: number): KeyReleasePolicy {
  return decode(file, 'a key-release policy', (value) =>
    parseKeyReleasePolicy(canonicalJson({ version: 1, genesis, createdAt: now, ...value })),
  )
}

/** What deserves a second look in it. */
export function lintKeyReleasePolicy(policy: KeyReleasePolicy, now: number): LintFinding[] {
  return lintPolicy(fromUtf8(encodeEvidencePolicy(evidencePolicyOf(policy))), now)
}

/** A constitution after the one in force; what is left out stays as it is. @throws `CLI_CONFIG` */
export function readConstitution(file: NamedText, inForce: InForce, now: number): Constitution {
  const { genesis, digest, sequence, members, majorities, releaseKeys, rotation } = inForce
  return decode(file, 'a constitution', (value) => {
    const whole = {
      version: 1,
      genesis,
      sequence: sequence + 1,
      previous: digest,
      members,
      releaseKeys,
      rotation,
      createdAt: now,
      ...value,
      majorities: { ...majorities, ...(value['majorities'] as object | undefined) },
    }
    return constitutionDecoder(whole, 'constitution')
  })
}

/** Logged release statements: one `{envelope, index}`, or a list of them. @throws `CLI_CONFIG` */
export function readReleases(file: NamedText): LoggedStatement[] {
  try {
    const value = parseStrictJson(file.text, { maxBytes: 4 * 1024 * 1024 })
    return (Array.isArray(value) ? value : [value]).map((one) => loggedStatementDecoder(one, 'release'))
  } catch (cause) {
    throw malformed(file.label, 'a logged release statement', cause)
  }
}

function decode<T>(
  { label, text }: NamedText,
  what: string,
  read: (value: Record<string, JsonValue>) => T,
): T {
  try {
    const value = parseStrictJson(text, { maxBytes: MAX_FILE_BYTES })
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new Error('it is not a JSON object')
    return read(value as Record<string, JsonValue>)
  } catch (cause) {
    throw malformed(label, what, cause)
  }
}
