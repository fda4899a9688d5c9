import { AZURE_PAYLOAD_TYPES, type AzureService } from '@sotto/protocol/azure-dialect'
import type { LoggedStatement } from '@sotto/protocol/keyrelease'
import type { Kms } from '../core/index.ts'
import type { AzureIdentity } from './identity.ts'
import { azureReceipts } from './published.ts'

/** The service certificate with what binds it to this KMS. */
export interface CertifiedService {
  statement: LoggedStatement
  /** Receipts by key identifier. */
  receipts: ReadonlyMap<number, string>
}

/**
 * Keeps the service certificate of this process bound to the KMS: each statement key signs it once, and nothing is
 * published under it before the log has that. Receipts are made once an epoch.
 */
export class ServiceCertifier {
  readonly #identity: AzureIdentity
  #certified: { signer: string; statement: LoggedStatement } | undefined
  #running: Promise<void> | undefined
  #receipts: { epoch: string; receipts: ReadonlyMap<number, string> } | undefined

  constructor(identity: AzureIdentity) {
    this.#identity = identity
  }

  /** What can be published now; undefined while the log is still being told, which this starts. @throws `KMS_NOT_READY` */
  current(kms: Kms): CertifiedService | undefined {
    const { state, boot } = kms.view
    const signer = boot.statementKey.publicKey
    if (this.#certified?.signer !== signer) {
      // What went wrong is tried again with the next request; that one is told to come back, too.
      if (this.#running === undefined) {
        this.#running = this.#certify(kms, signer)
          .catch(() => undefined)
          .finally(() => (this.#running = undefined))
      }
      return undefined
    }
    if (state.epoch === undefined) return { statement: this.#certified.statement, receipts: new Map() }
    if (this.#receipts?.epoch !== state.epoch.digest)
      this.#receipts = { epoch: state.epoch.digest, receipts: azureReceipts(state, this.#identity) }
    return { statement: this.#certified.statement, receipts: this.#receipts.receipts }
  }

  async #certify(kms: Kms, signer: string): Promise<void> {
    const { digest, notBefore, notAfter } = this.#identity.service
    const document: AzureService = {
      version: 1,
      genesis: kms.view.state.identity!.digest,
      certificate: digest,
      notBefore,
      notAfter,
    }
    const statement = await kms.record(AZURE_PAYLOAD_TYPES.service, document)
    this.#certified = { signer, statement }
  }
}
