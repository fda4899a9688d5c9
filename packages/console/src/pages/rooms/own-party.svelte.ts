import type { ModelOwner } from '@sotto/client'
import { parseOwnerKey } from '@sotto/client/models'
import { type RoomParty, roomParty } from '@sotto/client/rooms/joining'
import { Action } from './action.svelte.ts'

/** A key file has some hundred bytes. */
const MAX_FILE_BYTES = 4096

/** With which key somebody takes part. A file that was opened is in memory alone. */
export class OwnParty {
  party = $state.raw<RoomParty>()
  source = $state<'browser' | 'file'>()
  readonly opening: Action = new Action()

  /** @param file the key that the command keeps as `owner.key` */
  takeFile(file: Blob): Promise<void> {
    return this.opening.run(async () => {
      const seed = parseOwnerKey(await file.slice(0, MAX_FILE_BYTES + 1).text())
      this.party = roomParty(seed)
      this.source = 'file'
    })
  }

  /** The key that this browser keeps for the page of models. */
  useBrowser({ signer }: ModelOwner): void {
    this.party = roomParty(signer.secretSeed)
    this.source = 'browser'
  }

  /** The browser forgot its key. */
  dropBrowser(): void {
    if (this.source !== 'browser') return
    this.party = undefined
    this.source = undefined
  }
}
