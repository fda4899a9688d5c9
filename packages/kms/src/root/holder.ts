import type { DsseSigner } from '@sotto/protocol/dsse'
import type { Ed25519Key } from '@sotto/protocol/keyrelease'
import { kmsError } from '../errors.ts'
import type { KmsState } from '../state/index.ts'
import { rootKeyOf } from './in-force.ts'
import { deriveRoot, type RootKeys } from './secret.ts'
import type { ObtainedRoot, RootSource } from './types.ts'

/** The root secret a KMS was started with, and where it is kept. */
export interface KmsRoot {
  source: RootSource
  obtained: ObtainedRoot
}

/** The root secret in force, in memory. */
export class RootHolder {
  readonly #root: KmsRoot
  #keys: RootKeys

  private constructor(root: KmsRoot, keys: RootKeys) {
    this.#root = root
    this.#keys = keys
  }

  /**
   * Of the obtained secrets the one whose root key the state names; for a new KMS the one there is.
   * @throws `KMS_ROOT_MISMATCH`
   */
  static of(root: KmsRoot, state: KmsState): RootHolder {
    const found = root.obtained.secrets.map(deriveRoot)
    if (state.identity === undefined) return new RootHolder(root, found[0]!)
    const expected = rootKeyOf(state)
    const keys = found.find(({ rootKey }) => rootKey === expected)
    if (keys !== undefined) return new RootHolder(root, keys)
    throw kmsError('KMS_ROOT_MISMATCH', 'the root secret is not that of the root key in force', {
      expected,
      found: found.map(({ rootKey }) => rootKey).join(', '),
    })
  }

  get source(): RootSource {
    return this.#root.source
  }

  get signer(): DsseSigner {
    return this.#keys.signer
  }

  get rootKey(): Ed25519Key {
    return this.#keys.rootKey
  }

  get secret(): Uint8Array {
    return this.#keys.secret
  }

  /** The secret that takes its place, here and in whatever starts after this in the same process. */
  replace(secret: Uint8Array): void {
    this.#keys.signer.secretSeed.fill(0)
    this.#keys = deriveRoot(secret)
    this.forgetRecovery()
  }

  /** What a recovery established was followed: a later start in this process is an ordinary one, with this secret alone. */
  forgetRecovery(): void {
    const { handedOver } = this.#root.obtained
    // Whoever still holds what was obtained must not keep keys beyond their time (T4).
    if (handedOver !== undefined) handedOver.keys = []
    for (const other of this.#root.obtained.secrets) if (other !== this.secret) other.fill(0)
    this.#root.obtained = { secrets: [this.secret] }
  }
}
