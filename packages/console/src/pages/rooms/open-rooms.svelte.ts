import { parseInvitation, type RoomParty } from '@sotto/client/rooms/joining'
import { CONTRACT_NAME } from '@sotto/protocol/contract'
import type { Connection } from '../../connection/index.ts'
import { words } from '../../words/index.ts'
import type { OpenRoom } from './open-room.svelte.ts'
import { OwnParty } from './own-party.svelte.ts'

/** What somebody joins with. */
export interface Joining {
  invitation: string
  party: RoomParty
  /** Whether the browser keeps the key, or only this tab has it. */
  isKept: boolean
  name: string
}

/** Rooms that were joined in this tab: nothing of them is kept anywhere else. */
class OpenRooms {
  all = $state.raw<readonly OpenRoom[]>([])
  current = $state.raw<OpenRoom>()
  /** Chosen before anything is joined. */
  readonly own: OwnParty = new OwnParty()

  /** Says in the room that this party takes part, unless that was said before. @throws `ROOM_INVITATION`; as `Room.join` */
  async join(connection: Connection, { invitation, party, isKept, name }: Joining): Promise<void> {
    if (!CONTRACT_NAME.test(name)) throw new Error(words.rooms.join.badName)
    const secret = parseInvitation(invitation.trim())
    const known = this.all.find((room) => room.board === secret.board && room.key === party.key)
    if (known !== undefined) {
      this.current = known
      return
    }
    const { OpenRoom: Opened } = await import('./open-room.svelte.ts')
    const room = new Opened(connection, { secret, party, name, isKept })
    await room.join()
    this.all = [...this.all, room]
    this.current = room
  }

  forget(room: OpenRoom): void {
    room.end()
    this.all = this.all.filter((one) => one !== room)
    if (this.current === room) this.current = undefined
  }

  /** A key that the browser forgot signs nothing any more. */
  dropKept(): void {
    this.own.dropBrowser()
    for (const room of this.all.filter(({ isKept }) => isKept)) this.forget(room)
  }
}

export const openRooms: OpenRooms = new OpenRooms()
