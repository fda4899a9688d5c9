import { parseTrustBundle, type TrustBundle } from '@sotto/protocol/evidence'
import { FAMILIES, type Family, recogniseEvidence } from '@sotto/verifier/family'
import { cliError } from '../errors.ts'

/** What a file holds that `sotto verify` judges. */
export type JudgedFile =
  | { kind: 'bundle'; bundle: TrustBundle }
  | { kind: 'evidence'; family: Family; evidence: Uint8Array }

/**
 * Tells a trust bundle from evidence, and kinds of evidence apart, by content.
 * @param family what the caller says it is, instead
 * @throws `CLI_FILE` neither; `CLI_USAGE` a family that does not exist
 */
export function recogniseFile(bytes: Uint8Array, label: string, family?: string): JudgedFile {
  const named = FAMILIES.find((one) => one === family)
  if (family !== undefined && named === undefined)
    throw cliError('CLI_USAGE', `there is no family ${family}`, { expected: FAMILIES.join(', ') })
  const found = named ?? recogniseEvidence(bytes)
  if (found !== undefined) return { kind: 'evidence', family: found, evidence: bytes }
  if (bytes[0] !== 0x7b) throw unknown(label)
  try {
    return { kind: 'bundle', bundle: parseTrustBundle(bytes) }
  } catch (cause) {
    throw unknown(label, cause)
  }
}

function unknown(label: string, cause?: unknown): Error {
  return cliError('CLI_FILE', `${label} is neither evidence nor a trust bundle`, {
    expected: `a trust bundle, or evidence of ${FAMILIES.join(', ')}`,
    hint: 'name the kind with --family if you know it; certificates and CRLs are collateral, not evidence',
    ...(cause !== undefined && { cause }),
  })
}
