import type { TrustPolicy } from '@sotto/verifier'
import type { StackApp } from './app.ts'
import type { RoleProcess } from './child.ts'
import type { Layout } from './layout.ts'
import type { Tap } from './tap.ts'

/** How to start a local stack. */
export interface StackOptions {
  layout: Layout
  /** Everything the stack keeps; made when absent. */
  stateFolder: string
  /** Which of the models that come with Sotto are served, by name. Default: all. */
  models?: readonly string[] | undefined
  /** Folders of models to serve beside them. */
  extraModels?: readonly string[]
  /** A web service of the owner's that runs beside the models. Default: none. */
  app?: StackApp | undefined
  /** Enclaves that hold the same keys, 1 to 8. Default 1. */
  replicas?: number
  /** Unix seconds after which the enclaves serve nobody. Default: never. */
  expiresAt?: number | undefined
  /** Other names of models. Default: none. */
  aliases?: Readonly<Record<string, string>>
  /** Web origins whose pages may use the relay. Default: none. */
  browserOrigins?: readonly string[]
  /** Largest recording, bytes. Default 256 MiB. */
  maxUploadBytes?: number
  /** Public key of a model owner whose keys the KMS may keep beside those of the stack itself. */
  owner?: Uint8Array
  /** Public keys, base64url, of others whom the operator lets in: parties of clean rooms, owners of models. Default: nobody. */
  admitted?: readonly string[]
  /** Log digests of receipts in batches this far apart, 10 to 86400. Default: none are logged. */
  receiptLogSeconds?: number
  /** Another dialect that KMS and enclave serve too. Default: none. */
  compat?: 'azure'
  /** A clean room and its boards beside the models. Default: none. */
  rooms?: boolean
  /** Record what every party receives on its sockets. */
  tap?: boolean
  onProgress?: (text: string) => void
  /** Ends the start; what was started is stopped again. */
  signal?: AbortSignal
  /** Unix seconds. */
  now?: () => number
}

/** Every part of a running stack, all on this machine. */
export interface Stack {
  roles: RoleProcess[]
  relayUrl: string
  gateway: string
  policy: TrustPolicy
  policyFile: string
  /** Only with `compat`. */
  azure?: AzureAddresses
  /** Only with `tap`. */
  taps: Partial<Record<TappedParty, Tap>>
  /** Starts the enclaves again, one after the other: the others serve meanwhile. */
  restartEnclaves(onRestart?: (name: string) => void): Promise<void>
  /** Stops every role, newest first. */
  stop(): Promise<void>
}

/** Where clients of the other dialect connect. */
export interface AzureAddresses {
  /** `https://…`, with a certificate of this boot. */
  kms: string
  /** PEM of the certificate that they pin, checked. */
  serviceFile: string
  score: string
}

/** Parties a tap can stand in front of. */
export type TappedParty = 'relay' | 'gateway' | 'kms' | 'log' | 'witness' | 'registry' | 'rooms' | 'room'
