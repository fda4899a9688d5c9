import type { ArtifactId, Digest, Ed25519Key } from '@sotto/protocol/keyrelease'
import { KEYS_RECEIPT_TYPE, type KeysReceipt } from '@sotto/protocol/sealed-models'
import {
  admitModelRemoval,
  admitRemoval,
  isHeld,
  type RemovalContext,
  requireSender,
  withArtifact,
} from '../artifacts/index.ts'
import { createMemberRates, type MemberRates } from '../governance/index.ts'
import type { ArtifactKey, KmsState } from '../state/index.ts'
import type { Changes } from './changes.ts'

/** What one owner may change: each is written to disk and logged, and others wait for it. */
const OWNER_RATE = { capacity: 64, perSecond: 2 }

/** What the KMS says of an import that it took. */
export interface ImportedArtifact {
  artifact: ArtifactId
  owner: Ed25519Key
  policy: Digest
}

/**
 * Content keys of owners: what they signed changes which are held. What changes nothing, because it was said before,
 * costs its owner nothing: removals are public, and anybody may send one again. Junk and strangers are answered before
 * they have a place in the line of changes, where releases wait.
 */
export class OwnerKeys {
  readonly #changes: Changes
  readonly #rates: MemberRates

  constructor(changes: Changes, monotonic: (() => number) | undefined) {
    this.#changes = changes
    this.#rates = createMemberRates(monotonic, OWNER_RATE)
  }

  /** Takes a content key. @throws the errors of `ArtifactImporter.open` and of the store; `HTTP_TOO_MANY` */
  async importArtifact(id: ArtifactId, body: Uint8Array): Promise<ImportedArtifact> {
    const changes = this.#changes
    requireSender(id, body, this.#context().state)
    return changes.run(async () => {
      const { softwareRoots } = changes.parts.config
      const context = { state: changes.keeper.current, softwareRoots, now: changes.parts.clock.now() }
      const { artifact, ownerPolicy } = changes.shown.boot.importer.open(id, body, context)
      if (isHeld(context.state, artifact)) artifact.contentKey.fill(0)
      else {
        this.#takeFor(artifact)
        // Where this fails the key may be kept all the same: the state that was to be has it.
        await changes.apply((state) => withArtifact(state, artifact, ownerPolicy))
      }
      return { artifact: id, owner: artifact.owner, policy: artifact.policy }
    })
  }

  /**
   * Destroys a content key: nothing that is released after this resolved has it.
   * @throws the errors of `admitRemoval` and of the store; `HTTP_TOO_MANY`
   */
  async removeArtifact(id: ArtifactId, body: Uint8Array): Promise<{ artifact: ArtifactId; removed: true }> {
    admitRemoval(id, body, this.#context())
    return this.#changes.run(async () => {
      const { owner, transition } = admitRemoval(id, body, this.#context())
      await this.#destroy(owner, [id], transition)
      return { artifact: id, removed: true }
    })
  }

  /**
   * Destroys the content keys of a model, and says which those were: nothing that is released after this resolved has
   * one of them.
   * @returns envelope of a {@link KeysReceipt}
   * @throws the errors of `admitModelRemoval` and of the store; `HTTP_TOO_MANY`
   */
  async removeModel(body: Uint8Array): Promise<{ receipt: string }> {
    const changes = this.#changes
    const early = admitModelRemoval(body, this.#context())
    const inLine = async (): Promise<typeof early.receipt> => {
      const { owner, destroyed, transition, receipt } = admitModelRemoval(body, this.#context())
      await this.#destroy(owner, destroyed, transition)
      return receipt
    }
    const said = early.isStranger ? early.receipt : await changes.run(inLine)
    const receipt: KeysReceipt = { ...said, issuedAt: changes.parts.clock.now() }
    return { receipt: changes.view.boot.statementKey.sign(KEYS_RECEIPT_TYPE, receipt) }
  }

  /** @throws whatever ended this instance */
  #context(): RemovalContext {
    this.#changes.requireRunning()
    const { keeper, shown, parts } = this.#changes
    return { state: keeper.current, importKey: shown.boot.importer.name, now: parts.clock.now() }
  }

  /** @throws `HTTP_TOO_MANY`; the key is not kept then */
  #takeFor({ owner, contentKey }: ArtifactKey): void {
    try {
      this.#rates.take(owner)
    } catch (error) {
      contentKey.fill(0)
      throw error
    }
  }

  async #destroy(
    owner: Ed25519Key,
    ids: readonly ArtifactId[],
    transition: ((state: KmsState) => KmsState) | undefined,
  ): Promise<void> {
    if (transition === undefined) return
    const { artifacts } = this.#changes.keeper.current
    this.#rates.take(owner)
    await this.#changes.apply(transition)
    for (const id of ids) artifacts.get(id)?.contentKey.fill(0)
  }
}
