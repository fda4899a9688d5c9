import { resolve } from 'node:path'
import { dataContent } from '@sotto/client/rooms'
import { toBase64Url } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { cliError } from '../../errors.ts'
import { type Command, type CommandContext, defineCommand } from '../../framework/index.ts'
import { ownerKeyFile } from '../../owner/index.ts'
import { findRoom, KEY_FLAG, openDataFiles, readDraft, readParty } from '../../room/index.ts'
import { createProgress } from '../../terminal/index.ts'
import { MEDIA_FLAG } from './data-add.ts'

/** `sotto room data digest INPUT FILE...` */
export const roomDataDigest: Command = defineCommand({
  path: ['room', 'data', 'digest'],
  summary: 'Say what your data are called in a contract that agrees on them beforehand',
  description:
    "Looks at the files as sotto room data add does, and prints the digest for the input's content in the draft. It needs\n" +
    'the salt of the draft, and your key: the same data have another digest in every contract, and for everybody else.',
  arguments: [
    { name: 'INPUT', summary: 'name of the input in the draft', required: true },
    { name: 'FILE', summary: 'file or folder', required: true, variadic: true },
  ],
  flags: {
    draft: { type: 'string', value: 'FILE', summary: 'the draft, YAML' },
    room: { type: 'string', value: 'NAME', summary: 'room whose key is yours there (default: your key)' },
    ...KEY_FLAG,
    ...MEDIA_FLAG,
  },
  examples: ['sotto room data digest customers customers.csv --draft offers.yaml'],
  async run(context, [input = '', ...places], flags) {
    const { io, global, signal } = context
    if (flags.draft === undefined)
      throw cliError('CLI_USAGE', 'name the draft', { hint: 'pass --draft FILE' })
    const draft = await readDraft(resolve(io.cwd, flags.draft))
    const about = Object.hasOwn(draft.inputs, input) ? draft.inputs[input] : undefined
    if (about === undefined)
      throw cliError('CLI_USAGE', `the draft has no input ${input}`, {
        expected: Object.keys(draft.inputs).join(', '),
      })
    if (draft.salt === undefined)
      throw cliError('ROOM_DRAFT', `${draft.path}: it has no salt, so its contract will draw one`, {
        hint: `for digests beforehand all parties share one; add the line salt: ${toBase64Url(crypto.randomBytes(32))}`,
      })
    const party = await readParty(await keyOf(context, flags))
    const { files, bytes } = await openDataFiles(io, about.kind, places)
    const progress = createProgress({
      sink: io.stderr,
      label: input,
      total: bytes,
      quiet: global.quiet,
      now: io.now,
    })
    const { digest, manifest } = await dataContent(about.kind, files, {
      party,
      contract: { salt: draft.salt },
      ...(about.columns && { columns: about.columns }),
      ...(flags.media !== undefined && { media: flags.media }),
      onBytes: (amount) => progress.advance(amount),
      signal,
    }).finally(() => progress.end())
    if (global.json)
      return context.json({
        input,
        content: digest,
        media: manifest.media,
        items: manifest.items,
        bytes: manifest.bytes,
      })
    context.out(digest)
  },
})

/** The key that is this party in the room, or as everywhere. */
async function keyOf(
  { io }: CommandContext,
  { key, room }: { key: string | undefined; room: string | undefined },
): Promise<string> {
  if (key !== undefined || room === undefined) return ownerKeyFile(io, key)
  const saved = await findRoom(io, room)
  if (saved !== undefined) return saved.key
  throw cliError('ROOM_UNKNOWN', 'there is no room of that name on this machine', {
    hint: 'sotto room ls shows them',
  })
}
