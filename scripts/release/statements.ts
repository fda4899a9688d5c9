/** What is signed about an image: the release statement, its provenance and the digest of its bill of materials. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type PreparedSigner, signDsse } from '@sotto/protocol/dsse'
import { SottoError } from '@sotto/protocol/errors'
import { BY_CONTRACT, type DataUse, dataUseDecoder, NO_CONTENT } from '@sotto/protocol/data-use'
import { hex, members, parseStrictJson } from '@sotto/protocol/jcs'
import {
  type Component as EvidenceComponent,
  decodeDocument,
  encodeDocument,
  PAYLOAD_TYPES,
  RELEASE_PREDICATE,
  type ReleasedApp,
  releasedAppDecoder,
  type ReleaseStatement,
  releaseStatementDecoder,
} from '@sotto/protocol/keyrelease'
import { softwareMeasurement } from '@sotto/protocol/measurement'
import {
  PROVENANCE_PAYLOAD_TYPES,
  type ProvenanceStatement,
  type SbomStatement,
} from '@sotto/protocol/provenance'
import { findReleaseDefect } from '@sotto/verifier/workload'
import { ReleaseFailure } from './failure.ts'
import type { ReleaseOptions, RoleName } from './options.ts'

/** What evidence of one release reports, and the configuration it is for. */
export interface Reported {
  /** SHA-256 of the configuration file. */
  configuration: string
  evidence: EvidenceComponent
  /** What the role does with content (T20); absent: see {@link DATA_USES}, or nothing is declared. */
  dataUse?: DataUse
  /** The app that it runs beside its models; absent: none. */
  app?: ReleasedApp
}

/** What a role does with content whatever its configuration says: every role declares it. */
const DATA_USES: Partial<Record<RoleName, DataUse>> = { kms: NO_CONTENT, room: BY_CONTRACT }

const MAX_EVIDENCE_BYTES = 65_536

/**
 * What hardware reports of each role: from the file of `--evidence`, or computed for the software TEE. A role
 * without it gets no release statement, because nobody could compare anything with one.
 * @throws ReleaseFailure
 */
export function readReported(
  options: ReleaseOptions,
  digests: ReadonlyMap<RoleName, string>,
): Map<RoleName, Reported> {
  const reported = new Map<RoleName, Reported>()
  for (const [role, file] of options.configurations) {
    const digest = digests.get(role)
    if (digest === undefined) continue
    const configuration = createHash('sha256').update(readInput(file)).digest('hex')
    reported.set(role, {
      configuration,
      evidence: {
        family: 'software',
        measurements: [softwareMeasurement(digest)],
        hostData: [configuration],
      },
    })
  }
  if (options.evidence === undefined) return reported
  const text = readInput(options.evidence).toString('utf8')
  try {
    const document = parseStrictJson(text, { maxBytes: MAX_EVIDENCE_BYTES })
    const entry = members<Reported>(
      { configuration: hex(32), evidence: (value) => value as EvidenceComponent },
      { dataUse: dataUseDecoder, app: releasedAppDecoder },
    )
    for (const [name, value] of Object.entries(objectOf(document))) {
      const role = options.roles.find((one) => one === name)
      if (role === undefined)
        throw new ReleaseFailure(`${name} is not a role of this release`, options.roles.join(', '))
      reported.set(role, entry(value, name))
    }
  } catch (cause) {
    if (!(cause instanceof SottoError)) throw cause
    throw new ReleaseFailure(`${options.evidence}: ${cause.message}`, cause.expected ?? 'see --help', {
      cause,
    })
  }
  return reported
}

function objectOf(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>
  throw new ReleaseFailure('--evidence holds no object', '{"kms":{"configuration":"…","evidence":{…}}}')
}

function readInput(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (cause) {
    throw new ReleaseFailure(
      `cannot read ${file}: ${(cause as NodeJS.ErrnoException).code}`,
      'name a file that is there',
      { cause },
    )
  }
}

/** @throws ReleaseFailure for evidence that does not pin program and configuration as a release must */
export function releaseStatement(options: {
  role: RoleName
  digest: string
  version: string
  securityVersion: number
  reported: Reported
  createdAt: number
}): ReleaseStatement {
  const { role, digest, version, securityVersion, reported, createdAt } = options
  const dataUse = reported.dataUse ?? DATA_USES[role]
  const statement: ReleaseStatement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [
      { name: 'image', digest: { sha256: digest } },
      { name: 'configuration', digest: { sha256: reported.configuration } },
    ],
    predicateType: RELEASE_PREDICATE,
    predicate: {
      role,
      version,
      securityVersion,
      evidence: reported.evidence,
      ...(dataUse && { dataUse }),
      ...(reported.app && { app: reported.app }),
      createdAt,
    },
  }
  let defect: string | undefined
  try {
    defect = findReleaseDefect(decodeDocument(encodeDocument(statement), releaseStatementDecoder, role))
  } catch (cause) {
    if (!(cause instanceof SottoError)) throw cause
    defect = cause.message
  }
  if (defect === undefined) return statement
  throw new ReleaseFailure(
    `what --evidence says of ${role} makes no release statement: ${defect}`,
    'see docs/policy.md',
  )
}

/** Envelopes of one role, as the log holds them. */
export interface Envelopes {
  release?: Uint8Array
  provenance: Uint8Array
  sbom: Uint8Array
}

/** Signs all that is said of an image. */
export function signStatements(
  signer: PreparedSigner,
  documents: { release?: ReleaseStatement; provenance: ProvenanceStatement; sbom: SbomStatement },
): Envelopes {
  const sign = (type: string, document: object): Uint8Array =>
    signDsse(type, encodeDocument(document), [signer])
  return {
    ...(documents.release && { release: sign(PAYLOAD_TYPES.release, documents.release) }),
    provenance: sign(PROVENANCE_PAYLOAD_TYPES.provenance, documents.provenance),
    sbom: sign(PROVENANCE_PAYLOAD_TYPES.sbom, documents.sbom),
  }
}
