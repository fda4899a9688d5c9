import { fromUtf8, toBase64Url } from '@sotto/protocol/bytes'
import { BY_CONTRACT, type DataUse, NO_CONTENT } from '@sotto/protocol/data-use'
import { signDsse } from '@sotto/protocol/dsse'
import {
  encodeDocument,
  PAYLOAD_TYPES,
  RELEASE_PREDICATE,
  type KeyReleasePolicy,
  type LoggedStatement,
  type ReleasedApp,
  type ReleaseStatement,
  type Role,
} from '@sotto/protocol/keyrelease'
import { ALWAYS_REQUIRED, type TrustPolicy } from '@sotto/verifier'
import type { LogPins } from '../roles/index.ts'
import type { Signer } from './state.ts'

/** A workload as the launcher measured it. */
export interface MeasuredRole {
  role: Role
  /** Image digest, hexadecimal. */
  digest: string
  /** MEASUREMENT, 96 hexadecimal characters. */
  measurement: string
  hostData: string
}

const VERSION = '0.1.0'
/** Raised with every release that fixes something an old one must not be used for. */
const SECURITY_VERSION = 1

/** What the enclave of a local stack does with content, in its configuration and in its release (T20). */
const LOCAL_DATA_USE: DataUse = {
  tasks: ['transcription', 'translation', 'text-generation', 'summarization', 'embedding', 'tensors'],
  retentionSeconds: 0,
  training: false,
}

const dsseSigner = ({ seed, publicKey }: Signer): { secretSeed: Uint8Array; publicKey: Uint8Array } => ({
  secretSeed: seed,
  publicKey,
})

/** {@link LOCAL_DATA_USE}, with digests of receipts logged where that is asked for. */
export function localDataUse(receiptLogSeconds: number | undefined): DataUse {
  return { ...LOCAL_DATA_USE, ...(receiptLogSeconds !== undefined && { receiptLogSeconds }) }
}

/**
 * The release statement of a measured role, signed by the local release key.
 *
 * @param dataUse what an inference enclave is configured for. A KMS gets no content. What a room does with content stands
 * in contracts, which their parties sign, and no operator declares it for them: its statement says so, and no more
 * @param options.app the app it is configured to run beside its models; other roles run none
 */
export function signRelease(
  { role, digest, measurement, hostData }: MeasuredRole,
  signer: Signer,
  now: number,
  dataUse: DataUse,
  { app }: { app?: ReleasedApp | undefined } = {},
): Uint8Array {
  const statement: ReleaseStatement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [
      { name: 'image', digest: { sha256: digest } },
      { name: 'configuration', digest: { sha256: hostData } },
    ],
    predicateType: RELEASE_PREDICATE,
    predicate: {
      role,
      version: VERSION,
      securityVersion: SECURITY_VERSION,
      evidence: { family: 'software', measurements: [measurement], hostData: [hostData] },
      dataUse: { kms: NO_CONTENT, room: BY_CONTRACT, inference: dataUse }[role],
      ...(role === 'inference' && app !== undefined && { app }),
      createdAt: now,
    },
  }
  return signDsse(PAYLOAD_TYPES.release, encodeDocument(statement), [dsseSigner(signer)])
}

/** The key-release policy that admits these measured workloads, each by a tuple of its own, and nothing else. */
export function keyReleasePolicyOf(options: {
  genesis: string
  workloads: readonly MeasuredRole[]
  root: string
  now: number
}): KeyReleasePolicy {
  const { genesis, workloads, root, now } = options
  return {
    version: 1,
    genesis,
    anyOf: workloads.map(({ role, measurement, hostData }, index) => {
      const nth = workloads.slice(0, index).filter((other) => other.role === role).length + 1
      return {
        name: nth === 1 ? role : `${role}-${nth}`,
        role,
        allOf: [{ family: 'software', roots: [root], measurements: [measurement], hostData: [hostData] }],
      }
    }),
    evidenceMaxAgeSeconds: 3600,
    createdAt: now,
  }
}

/** What a client of the local stack accepts: exactly this genesis, release key, log, software root, and app, or none. */
export function localTrustPolicy(options: {
  genesis: string
  releaseKey: Uint8Array
  log: LogPins
  root: string
  /** The app that all enclaves run beside their models. */
  app?: ReleasedApp | undefined
  /** Whether a clean room is part of it. */
  rooms?: boolean | undefined
}): TrustPolicy {
  const { app } = options
  return {
    version: 1,
    name: 'local stack on a software TEE',
    // Not named, for the verdict to show as skipped: log.witnesses-independent and hardware.cpu-vendor (one
    // machine has neither), log.consistency (nothing to compare at first use), hardware.gpu, tokens.issuer; and
    // keys.app where no app runs, which then refuses any.
    require: [...ALWAYS_REQUIRED, 'keys.data-use', ...(app === undefined ? [] : (['keys.app'] as const))],
    genesis: options.genesis,
    releaseKeys: [toBase64Url(options.releaseKey)],
    revoked: [],
    minSecurityVersion: {
      kms: SECURITY_VERSION,
      inference: SECURITY_VERSION,
      ...(options.rooms && { room: SECURITY_VERSION }),
    },
    log: { origin: options.log.origin, key: options.log.key },
    witnesses: {
      keys: options.log.witnesses.keys.map((key) => ({ key, organisation: 'this machine', operator: true })),
      quorum: options.log.witnesses.quorum,
      allowOperatorWitnesses: true,
    },
    platforms: [{ name: 'software', allOf: [{ family: 'software', roots: [options.root] }] }],
    dataUse: { tasks: LOCAL_DATA_USE.tasks, maxRetentionSeconds: 0, training: false },
    ...(app !== undefined && { apps: [app.sha256] }),
    kems: ['X-Wing', 'X25519'],
    evidenceMaxAgeSeconds: 86_400,
    checkpointMaxAgeSeconds: 3600,
  }
}

/** An envelope and its place in the log. */
export function loggedStatement(envelope: Uint8Array, index: number): LoggedStatement {
  return { envelope: fromUtf8(envelope), index }
}
