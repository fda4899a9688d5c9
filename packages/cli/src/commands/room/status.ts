import { setTimeout as sleep } from 'node:timers/promises'
import { SottoError } from '@sotto/protocol/errors'
import { type Command, type CommandContext, defineCommand } from '../../framework/index.ts'
import { announceConflicts } from '../../room/session.ts'
import {
  gatherStatus,
  nextSteps,
  openSession,
  ROOM_FLAGS,
  type RoomSession,
  showStatus,
} from '../../room/index.ts'
import { printableLine } from '../../terminal/index.ts'

/** Between two looks. */
const WATCH_MS = 3000

/** `sotto room status` */
export const roomStatus: Command = defineCommand({
  path: ['room', 'status'],
  summary: 'Say who is in a room, what was agreed on, and what you can do next',
  description:
    'Members with the fingerprints that you compare; contracts and where they stand, as the KMS says; data, budgets and\n' +
    'runs. Names are who signed for them; what members only tell, unsigned, is said to be that. With --watch it says so\n' +
    'again whenever something changed (one JSON document each with --json).',
  flags: { watch: { type: 'boolean', summary: 'go on until interrupted' }, ...ROOM_FLAGS },
  examples: ['sotto room status', 'sotto room status --watch', 'sotto room status --json'],
  async run(context, _args, flags) {
    const session = await openSession(context, flags)
    let before = ''
    for (;;) {
      const seen = await look(context, session).catch((error: unknown) => {
        // Who watches goes on where a service is away for a moment.
        if (!flags.watch || !(error instanceof SottoError) || error.action !== 'retry') throw error
        context.note(`${printableLine(error.message)}; trying again`)
        return undefined
      })
      const now = JSON.stringify(seen?.document)
      if (now !== before) seen?.print()
      before = now ?? before
      if (!flags.watch) return
      await sleep(WATCH_MS, undefined, { signal: context.signal })
    }
  },
})

async function look(
  context: CommandContext,
  session: RoomSession,
): Promise<{ document: object; print: () => void }> {
  const state = await session.room.state()
  const now = Math.floor(context.io.now() / 1000)
  const status = await gatherStatus(session, state, now)
  const next = nextSteps(status, state, now)
  const { name: room, party } = session.saved
  const document = { room, party, ...status, next }
  return {
    document,
    print() {
      announceConflicts(context, state, session.own)
      if (context.global.json) return context.json(document)
      context.out(context.style.out.bold(`${room}, as ${party}`))
      for (const { text, paint } of showStatus(status, next, context.style.out))
        context.out(paint(printableLine(text)))
    },
  }
}
