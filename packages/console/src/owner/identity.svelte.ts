import { type ModelOwner, modelOwner } from '@sotto/client'
import { ownerKeyPem, parseOwnerKey } from '@sotto/client/models'
import { type Trouble, troubleOf } from '../connection/index.ts'
import { forgetSeed, readSeed, writeSeed } from './kept-key.ts'

/** A key file has some hundred bytes. */
const MAX_FILE_BYTES = 4096

/** Who this browser is as an owner of models. */
class Identity {
  /** `loading` until it was looked for. */
  phase = $state<'loading' | 'none' | 'ready'>('loading')
  owner = $state.raw<ModelOwner>()
  trouble = $state.raw<Trouble>()

  #loaded: Promise<void> | undefined

  load(): Promise<void> {
    this.#loaded ??= this.#try(async () => {
      const seed = await readSeed()
      this.owner = seed && modelOwner(seed)
    })
    return this.#loaded
  }

  create(): Promise<void> {
    return this.#try(async () => {
      // Another tab may have made one meanwhile, and one that cannot be read now is not replaced unasked.
      const seed = await readSeed()
      if (seed === undefined) await this.#take(crypto.getRandomValues(new Uint8Array(32)))
      else this.owner = modelOwner(seed)
    })
  }

  /** @param file the key that the command keeps as `owner.key` */
  take(file: Blob): Promise<void> {
    return this.#try(async () => this.#take(parseOwnerKey(await file.slice(0, MAX_FILE_BYTES + 1).text())))
  }

  /** The key as a file that this page and the command read. */
  async backup(): Promise<string | undefined> {
    let pem: string | undefined
    await this.#try(async () => {
      const seed = await readSeed()
      pem = seed && ownerKeyPem(seed)
    })
    return pem
  }

  forget(): Promise<void> {
    return this.#try(async () => {
      await forgetSeed()
      this.owner = undefined
    })
  }

  async #take(seed: Uint8Array): Promise<void> {
    const owner = modelOwner(seed)
    // Kept first: a key that signs and is then lost is worse than none.
    await writeSeed(seed)
    this.owner = owner
  }

  async #try(work: () => Promise<void>): Promise<void> {
    this.trouble = undefined
    try {
      await work()
    } catch (error) {
      this.trouble = troubleOf(error)
    } finally {
      this.phase = this.owner === undefined ? 'none' : 'ready'
    }
  }
}

export const identity = new Identity()
