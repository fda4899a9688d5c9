import { SottoError } from '@sotto/protocol/errors'
import { type Command, defineCommand } from '../../framework/index.ts'
import { findRoom, listRooms } from '../../room/index.ts'

/** `sotto room ls` */
export const roomLs: Command = defineCommand({
  path: ['room', 'ls'],
  summary: 'List the clean rooms of this machine',
  flags: {},
  examples: ['sotto room ls', 'sotto room ls --json'],
  async run(context) {
    const rooms = await Promise.all((await listRooms(context.io)).map((name) => describe(name)))
    if (context.global.json) return context.json({ rooms })
    for (const room of rooms)
      if ('problem' in room) context.warn(`warning: ${room.name}: ${room.problem}`)
      else
        context.out(
          `${room.name.padEnd(24)} as ${room.party.padEnd(12)} at ${room.host}${room.isJoined ? '' : '  (not joined yet: interrupted)'}`,
        )
    if (rooms.length === 0) context.note('no rooms; sotto room init makes one, sotto room join enters one')

    /** Everything but the secret. */
    async function describe(name: string) {
      try {
        const { party, key, service, isJoined, secret } = (await findRoom(context.io, name))!
        return {
          name,
          party,
          host: service.host,
          gateway: service.gateway,
          key,
          board: secret.board,
          isJoined,
        }
      } catch (error) {
        if (!(error instanceof SottoError)) throw error
        return { name, problem: error.message }
      }
    }
  },
})
