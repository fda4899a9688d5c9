import { createLogReader, instant, judgeCheckpoint } from '@sotto/client/monitor'
import { toHex } from '@sotto/protocol/bytes'
import { cosignatureTime, parseNote, parseVerifierKey } from '@sotto/protocol/note'
import { type Command, defineCommand, EXIT } from '../../framework/index.ts'
import { alertLine, LOG_FLAGS, resolveLog, resolveLogUrl } from '../../log/index.ts'
import { printableLine } from '../../terminal/index.ts'

/** `sotto log show` */
export const logShow: Command = defineCommand({
  path: ['log', 'show'],
  summary: 'Show the newest checkpoint of a log and who cosigned it',
  description:
    'Checks signature, witnesses and age. Exit code 0 as it should be, 3 not signed by the log, 5 signed, but ' +
    'too old or by too few witnesses.',
  flags: LOG_FLAGS,
  examples: ['sotto log show --policy policy.json', 'sotto log show --json | jq .size'],
  async run(context, _args, flags) {
    const { followed } = await resolveLog(context, flags)
    const reader = createLogReader(await resolveLogUrl(context, flags), context.io.fetch, context.signal)
    const note = await reader.checkpoint()
    const now = Math.floor(context.io.now() / 1000)
    const { checkpoint, time, alerts } = judgeCheckpoint(note, followed, now)
    const witnesses =
      checkpoint === undefined
        ? []
        : followed.witnesses.keys.map(({ key, organisation, operator }) => {
            const at = cosignatureTime(parseNote(note), parseVerifierKey(key))
            return {
              name: parseVerifierKey(key).name,
              organisation,
              operator,
              ...(at !== undefined && { time: at }),
            }
          })
    if (context.global.json) {
      const tree = checkpoint && {
        origin: checkpoint.origin,
        size: checkpoint.size,
        root: toHex(checkpoint.root),
      }
      context.json({
        ok: alerts.length === 0,
        ...tree,
        ...(time !== undefined && { time }),
        witnesses,
        alerts,
        note,
      })
    } else {
      if (checkpoint !== undefined) {
        context.out(
          `${printableLine(checkpoint.origin)}: ${checkpoint.size} entries, root ${toHex(checkpoint.root)}`,
        )
        for (const { name, organisation, operator, time: at } of witnesses) {
          const who = `${organisation}${operator ? ', the operator' : ''}`
          context.out(
            `  ${at === undefined ? 'did not cosign      ' : instant(at)}  ${printableLine(`${name} (${who})`)}`,
          )
        }
      }
      for (const alert of alerts) context.out(context.style.out.red(alertLine(alert)))
    }
    if (alerts.length === 0) return EXIT.ok
    return checkpoint === undefined ? EXIT.notAuthentic : EXIT.refused
  },
})
