import {
  isEntryProof,
  parseEntryProof,
  parseSplitView,
  readEntry,
  verifyEntryProof,
  verifySplitView,
} from '@sotto/client/monitor'
import { SottoError } from '@sotto/protocol/errors'
import { toHex } from '@sotto/protocol/bytes'
import { requirementsOf } from '@sotto/verifier/bundle'
import { cliError } from '../../errors.ts'
import { type Command, type CommandContext, defineCommand, EXIT } from '../../framework/index.ts'
import { openInput, readText } from '../../input/index.ts'
import { LOG_FLAGS, type LogFlags, MAX_PROOF_BYTES, resolveLog } from '../../log/index.ts'
import { printableLine } from '../../terminal/index.ts'

const { policy, key, origin, witness, quorum } = LOG_FLAGS
const FLAGS = { policy, key, origin, witness, quorum } as const

/** `sotto log prove FILE` */
export const logProve: Command = defineCommand({
  path: ['log', 'prove'],
  summary: 'Check a proof of an entry, or evidence that a log shows two histories, offline',
  description:
    'A file that sotto log entry --proof wrote: the entry is in the log your policy names, and its witnesses saw it. ' +
    'A file that sotto log monitor wrote: two checkpoints that one log signed and that cannot both be true. Exit code ' +
    '0 proven, 3 it proves nothing, 6 both checkpoints are signed, and only the log could say how they fit.',
  arguments: [{ name: 'FILE', summary: 'proof, or - for standard input', required: true }],
  flags: FLAGS,
  examples: [
    'sotto log prove split-view-20261128T134500Z.json',
    'sotto log prove entry.tlog-proof --policy policy.json',
  ],
  async run(context, args, flags) {
    const text = await readText(await openInput(context.io, args), MAX_PROOF_BYTES)
    try {
      return isEntryProof(text)
        ? await proveEntry(context, text, { ...flags, log: undefined })
        : await proveSplit(context, text, { ...flags, log: undefined })
    } catch (cause) {
      // Whatever a check found is one answer here: it proves nothing.
      if (!(cause instanceof SottoError) || cause.action !== 'stop') throw cause
      const { message, expected, found } = cause
      throw cliError('CLI_NOT_AUTHENTIC', `it proves nothing: ${message}`, {
        ...(expected !== undefined && { expected }),
        ...(found !== undefined && { found }),
        cause,
      })
    }
  },
})

async function proveEntry(context: CommandContext, text: string, flags: LogFlags): Promise<number> {
  const proof = parseEntryProof(text)
  const { followed } = await resolveLog(context, flags)
  const checkpoint = verifyEntryProof(proof, requirementsOf({ log: followed, witnesses: followed.witnesses }))
  const kind = readEntry(proof.entry!)?.type?.name ?? 'entry'
  if (context.global.json)
    context.json({
      ok: true,
      kind,
      index: proof.index,
      origin: checkpoint.origin,
      size: checkpoint.size,
      time: checkpoint.time,
    })
  else
    context.out(
      `proven: ${kind} ${proof.index} is in ${printableLine(checkpoint.origin)}, of ${checkpoint.size} entries then`,
    )
  return EXIT.ok
}

async function proveSplit(context: CommandContext, text: string, flags: LogFlags): Promise<number> {
  const view = parseSplitView(text)
  const isNamed = flags.key !== undefined || flags.policy !== undefined
  const expected = isNamed ? (await resolveLog(context, flags)).followed.key : view.logKey
  if (view.logKey !== expected)
    throw cliError('CLI_NOT_AUTHENTIC', 'it is about another log', { expected, found: view.logKey })
  const { status, trees } = verifySplitView(view)
  const isProven = status === 'proven'
  if (context.global.json) {
    const shown = trees.map(({ size, root }) => ({ size, root: toHex(root) }))
    context.json({ ok: isProven, status, origin: trees[0].origin, logKey: view.logKey, trees: shown })
  } else {
    const head = isProven
      ? 'proven: the log signed two histories'
      : 'undecided: the log signed both, and did not show how one grew out of the other'
    context.out(isProven ? context.style.out.red(head) : head)
    context.out(`log ${printableLine(`${trees[0].origin}, ${view.logKey}`)}`)
    for (const { size, root } of trees) context.out(`  ${size} entries, root ${toHex(root)}`)
  }
  // Anybody can make two histories under a key of his own.
  if (!isNamed) context.note('compare its key with the one you trust, or pass --policy or --key')
  return isProven ? EXIT.ok : EXIT.undecided
}
