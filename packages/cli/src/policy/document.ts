import { type EvidencePolicy, parseEvidencePolicy } from '@sotto/verifier/appraisal'
import { cliError } from '../errors.ts'
import type { Io } from '../framework/index.ts'
import { openInput, readText } from '../input/index.ts'

/** An allow-list of a large fleet; the verifier's own bound is the same. */
const MAX_POLICY_BYTES = 1024 * 1024

/** `evidence` says which hardware and programs are accepted, `trust` which service. */
export type PolicyKind = 'evidence' | 'trust'

/** A policy file that was read and not judged. */
export interface PolicyFile {
  /** As named on the command line. */
  label: string
  text: string
  /** Undefined where the content is neither. */
  kind: PolicyKind | undefined
}

/** Reads the policy named by one of several arguments. @throws `CLI_FILE`, `CLI_STDIN` */
export async function readPolicyFile(io: Io, names: readonly string[], index = 0): Promise<PolicyFile> {
  const input = await openInput(io, names, index)
  const text = await readText(input, MAX_POLICY_BYTES)
  return { label: input.label, text, kind: recognisePolicy(text) }
}

/** Tells the two kinds apart by their members; a document that has those of both is for its decoder to refuse. */
export function recognisePolicy(text: string): PolicyKind | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const has = (...names: string[]): boolean => names.some((name) => Object.hasOwn(value, name))
  if (has('anyOf', 'freshness')) return 'evidence'
  return has('genesis', 'releaseKeys', 'witnesses', 'roots') ? 'trust' : undefined
}

/** The evidence policy in a file. @throws `CLI_CONFIG` for anything else */
export function requireEvidencePolicy(file: PolicyFile): EvidencePolicy {
  const { label, text, kind } = file
  if (kind !== 'evidence') throw notThisKind(file, 'an evidence policy')
  try {
    return parseEvidencePolicy(text)
  } catch (cause) {
    throw malformed(label, 'an evidence policy', cause)
  }
}

/** A file that is neither kind, or the other one. */
export function notThisKind({ label, kind }: PolicyFile, expected: string): Error {
  return cliError('CLI_CONFIG', `${label} is not ${expected}`, {
    expected: 'members anyOf and freshness',
    found: kind === 'trust' ? 'a trust policy' : 'neither kind of policy',
    hint: 'docs/policy.md says what stands in an evidence policy, docs/verify.md in a trust policy',
  })
}

/** What a decoder says about a file, as an error of the command line. */
export function malformed(label: string, what: string, cause: unknown): Error {
  const { message, expected, found } = cause as { message?: string; expected?: string; found?: string }
  return cliError('CLI_CONFIG', `${label} is not ${what}`, {
    cause,
    ...(message && { hint: message }),
    ...(expected !== undefined && { expected }),
    ...(found !== undefined && { found }),
  })
}
