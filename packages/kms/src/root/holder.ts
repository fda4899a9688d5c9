import { equalBytes } from '@sotto/protocol/bytes'
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
    const isNew = state.identity === undefined
    return new RootHolder(root, isNew ? deriveRoot(root.obtained.secrets[0]!) : keysOf(root, state))
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

  /**
   * A secret that a commit under way brings into force. Whether that happens may not be known at once: from here on
   * either of the two is at hand, here and for whatever starts after this in the same process.
   */
  prepare(secret: Uint8Array): void {
    const { obtained } = this.#root
    if (obtained.secrets.some((known) => equalBytes(known, secret))) return
    this.#root.obtained = { ...obtained, secrets: [secret.slice(), ...obtained.secrets] }
  }

  /**
   * Takes the secret of the root key that the state has in force by now.
   * @throws `KMS_ROOT_MISMATCH` when it is neither at hand nor {@link prepare}d
   */
  follow(state: KmsState): void {
    if (rootKeyOf(state) === this.rootKey) return
    const { signer } = this.#keys
    this.#keys = keysOf(this.#root, state)
    signer.secretSeed.fill(0)
  }

  /** Whether other secrets are at hand: the source may have them too. */
  get hasOthers(): boolean {
    return this.#root.obtained.secrets.length > 1
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

/** Of the obtained secrets the one whose root key the state names. @throws `KMS_ROOT_MISMATCH` */
function keysOf({ obtained }: KmsRoot, state: KmsState): RootKeys {
  const found = obtained.secrets.map(deriveRoot)
  const expected = rootKeyOf(state)
  const keys = found.find(({ rootKey }) => rootKey === expected)
  for (const { signer } of found) if (signer !== keys?.signer) signer.secretSeed.fill(0)
  if (keys !== undefined) return keys
  throw kmsError('KMS_ROOT_MISMATCH', 'the root secret is not that of the root key in force', {
    expected,
    found: found.map(({ rootKey }) => rootKey).join(', '),
  })
}
