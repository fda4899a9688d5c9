import type { KmsState as PublishedKms } from '@sotto/protocol/evidence'
import type { LoggedStatement } from '@sotto/protocol/keyrelease'
import type { ArtifactImporter } from '../artifacts/index.ts'
import type { OwnEvidence } from '../attestation/index.ts'
import { kmsError } from '../errors.ts'
import type { AcceptedPolicy, KmsState, OwnStatement } from '../state/index.ts'
import type { StatementKey } from '../statements/index.ts'

/** What exists from one certificate to the next and is never stored. */
export interface Boot {
  statementKey: StatementKey
  certificate: LoggedStatement
  /** Root successions that lead from the genesis to the key behind `certificate`. */
  roots: LoggedStatement[]
  importer: ArtifactImporter
  own: OwnEvidence
  /** When `own` was collected, by our clock, Unix seconds. */
  collectedAt: number
}

/** All that requests see: replaced as a whole, so that key set, certificate and evidence always fit. */
export interface View {
  readonly state: KmsState
  readonly boot: Boot
}

/** `GET /v1/genesis`: who this KMS is, before and after it has keys. */
export interface KmsIdentityDocument {
  genesis: LoggedStatement
  /** Successions of the root key, oldest first. */
  roots: LoggedStatement[]
  certificate: LoggedStatement
  kms: OwnEvidence
}

/** The identity document of a view. */
export function identityDocument({ state, boot }: View): KmsIdentityDocument {
  return {
    genesis: logged(state.identity!.genesis),
    roots: boot.roots,
    certificate: boot.certificate,
    kms: boot.own,
  }
}

/** `GET /v1/keys`: what a gateway composes a trust bundle from. @throws `KMS_NO_POLICY` before the first policy */
export function keysDocument(view: View): PublishedKms {
  const policy = currentPolicy(view.state)
  return {
    ...identityDocument(view),
    releases: policy.releases,
    governance: view.state.governance.succession,
    policy: policy.statement,
    keySet: logged(view.state.epoch!.statement),
  }
}

/** The policy of the current epoch. @throws `KMS_NO_POLICY` */
export function currentPolicy(state: KmsState): AcceptedPolicy {
  const policy = state.policy === undefined ? undefined : state.policies.get(state.policy)
  if (policy !== undefined) return policy
  throw kmsError('KMS_NO_POLICY', 'no key-release policy was accepted yet, so there are no keys', {
    hint: 'Members propose one and vote: sotto propose policy, sotto vote.',
  })
}

function logged({ envelope, index }: OwnStatement): LoggedStatement {
  if (index === undefined) throw kmsError('KMS_NOT_READY', 'a statement is not logged yet')
  return { envelope, index }
}
