import { resolve } from 'node:path'
import { createLogReader, encodeEntryProof, judgeCheckpoint, readEntry } from '@sotto/client/monitor'
import { writeWhole } from '@sotto/client/node'
import { fromUtf8, toHex } from '@sotto/protocol/bytes'
import { leafHash, proveInclusion, verifyInclusion } from '@sotto/protocol/merkle'
import { TILE_WIDTH } from '@sotto/protocol/tile-path'
import { cliError } from '../../errors.ts'
import { type Command, defineCommand } from '../../framework/index.ts'
import { LOG_FLAGS, resolveLog, resolveLogUrl } from '../../log/index.ts'
import { printableLine } from '../../terminal/index.ts'

/** `sotto log entry INDEX` */
export const logEntry: Command = defineCommand({
  path: ['log', 'entry'],
  summary: 'Show one entry of a log, proven to be in it',
  description:
    'Says what kind of entry it is and what stands in it. Who signed it is what sotto log monitor judges. ' +
    '--proof writes a file that sotto log prove checks offline (C2SP tlog-proof, with the entry inside).',
  arguments: [{ name: 'INDEX', summary: 'place in the log, from 0', required: true }],
  flags: {
    ...LOG_FLAGS,
    proof: { type: 'string', value: 'FILE', summary: 'write a proof that the entry is in the log' },
  },
  examples: ['sotto log entry 0 --policy policy.json', 'sotto log entry 12 --proof entry.tlog-proof'],
  async run(context, [text], flags) {
    if (!/^(?:0|[1-9]\d{0,14})$/.test(text!)) throw cliError('CLI_USAGE', 'INDEX is a number from 0')
    const index = Number(text)
    const { followed } = await resolveLog(context, flags)
    const reader = createLogReader(await resolveLogUrl(context, flags), context.io.fetch, context.signal)
    const note = await reader.checkpoint()
    const { checkpoint, alerts } = judgeCheckpoint(note, followed, Math.floor(context.io.now() / 1000))
    if (checkpoint === undefined)
      throw cliError('CLI_NOT_AUTHENTIC', alerts[0]!.message, {
        ...(alerts[0]!.found && { found: alerts[0]!.found }),
      })
    for (const { code, message } of alerts) context.warn(`warning: ${message} (${code})`)
    if (index >= checkpoint.size)
      throw cliError('CLI_USAGE', 'the log has no such entry', { expected: `0 to ${checkpoint.size - 1}` })
    const entry = (await reader.bundle(Math.floor(index / TILE_WIDTH), checkpoint))[index % TILE_WIDTH]!
    if (flags.proof !== undefined) {
      const path = await proveInclusion(index, checkpoint.size, reader.readTile)
      verifyInclusion(leafHash(entry), index, checkpoint.size, path, checkpoint.root)
      await writeWhole(
        resolve(context.io.cwd, flags.proof),
        encodeEntryProof({ entry, index, path, note }),
        0o644,
      ).catch((cause: unknown) => {
        throw cliError('CLI_FILE', `cannot write ${flags.proof}`, { cause })
      })
      context.note(`proof written to ${flags.proof}`)
    }
    const shown = describe(entry)
    if (context.global.json) return context.json({ index, leaf: toHex(leafHash(entry)), ...shown })
    context.out(`entry ${index} of ${checkpoint.size}: ${printableLine(shown.kind)}`)
    if (shown.summary !== undefined) context.out(printableLine(shown.summary))
    context.out(printableLine(JSON.stringify(shown.document ?? shown.envelope ?? `${entry.length} bytes`)))
  },
})

interface Shown {
  kind: string
  summary?: string
  document?: object
  envelope?: unknown
}

function describe(entry: Uint8Array): Shown {
  const read = readEntry(entry)
  if (read === undefined) return { kind: `not an envelope, ${entry.length} bytes` }
  const envelope: unknown = JSON.parse(fromUtf8(entry))
  if (read.type === undefined) return { kind: read.envelope.payloadType, envelope }
  try {
    const document = read.type.decode(read.envelope.payload)
    return { kind: read.type.name, summary: read.type.describe(document as never), document, envelope }
  } catch (error) {
    return { kind: `malformed ${read.type.name}: ${(error as Error).message}`, envelope }
  }
}
