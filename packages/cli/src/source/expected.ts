import { utf8, fromBase64Url } from '@sotto/protocol/bytes'
import { parseDsse, verifyDsse } from '@sotto/protocol/dsse'
import { SottoError } from '@sotto/protocol/errors'
import type { TrustBundle } from '@sotto/protocol/evidence'
import {
  decodeDocument,
  PAYLOAD_TYPES,
  type ReleasedApp,
  type ReleaseStatement,
  releaseStatementDecoder,
  type Role,
} from '@sotto/protocol/keyrelease'
import type { Step, TrustPolicy } from '@sotto/verifier'
import { findReleaseDefect } from '@sotto/verifier/workload'
import { cliError } from '../errors.ts'
import type { ReleaseFile } from './release-file.ts'
import { ROLES } from './roles.ts'

/** An authentic release that a source is compared with. */
export interface ExpectedRelease {
  role: Role
  /** `kms 0.1.0`. */
  name: string
  /** Image digest, hexadecimal. */
  digest: string
  /** The own app it runs beside its models, if it runs one. */
  app?: ReleasedApp
}

/** Release statements of a file, with one step for each role: signed by a key of the policy, about the file's own digest. */
export function releasesOfFile(
  file: ReleaseFile,
  policy: TrustPolicy,
): { steps: Step[]; releases: ExpectedRelease[] } {
  const releases: ExpectedRelease[] = []
  const steps = ROLES.flatMap((role): Step[] => {
    const released = file.roles[role]
    if (released === undefined) return []
    const step = {
      name: `source.${role}.release`,
      required: true,
      title: `A pinned release key signed the release of ${role}`,
    }
    if (released.statement === undefined)
      return [{ ...step, status: 'fail', reason: 'the build was not signed', found: released.measurement }]
    try {
      const release = verifyRelease(released.statement, policy)
      if (release.role !== role || release.digest !== released.measurement)
        return [
          {
            ...step,
            status: 'fail',
            reason: 'the signed statement is about another image',
            expected: `${role} ${released.measurement}`,
            found: `${release.role} ${release.digest}`,
          },
        ]
      releases.push(release)
      return [{ ...step, status: 'pass', found: release.name }]
    } catch (error) {
      if (!(error instanceof SottoError)) throw error
      const { message: reason, expected, found } = error
      return [{ ...step, status: 'fail', reason, ...(expected && { expected }), ...(found && { found }) }]
    }
  })
  return { steps, releases }
}

/**
 * Release statements that a running service shows. The verdict about the bundle was that all of them are signed
 * and logged; the signatures are looked at again, because here nothing else stands between them and a tick.
 */
export function releasesOfBundle({ releases }: TrustBundle, policy: TrustPolicy): ExpectedRelease[] {
  return releases.map(({ envelope }) => verifyRelease(envelope, policy))
}

function verifyRelease(envelope: string, { releaseKeys }: TrustPolicy): ExpectedRelease {
  const keys = releaseKeys.map(fromBase64Url)
  const { payload } = verifyDsse(parseDsse(utf8(envelope)), PAYLOAD_TYPES.release, keys)
  const statement: ReleaseStatement = decodeDocument(payload, releaseStatementDecoder, 'release')
  const defect = findReleaseDefect(statement)
  const { role, version, app } = statement.predicate
  if (defect !== undefined)
    throw cliError('CLI_NOT_AUTHENTIC', `the release statement is not usable: ${defect}`)
  return { role, name: `${role} ${version}`, digest: statement.subject[0].digest.sha256, ...(app && { app }) }
}
