import { ownNameIn } from '@sotto/client/rooms'
import { DATA_MEDIA } from '@sotto/protocol/room'
import { type Command, defineCommand } from '../../framework/index.ts'
import {
  chooseContract,
  CONTRACT_FLAG,
  openDataFiles,
  openSession,
  readState,
  requireSigned,
  ROOM_FLAGS,
} from '../../room/index.ts'
import { createProgress, formatBytes } from '../../terminal/index.ts'

/** How the files are written. */
export const MEDIA_FLAG = {
  media: {
    type: 'string',
    value: 'FORM',
    summary: 'how it is written (default: by the name of the file)',
    choices: DATA_MEDIA,
  },
} as const

/** `sotto room data add INPUT FILE...` */
export const roomDataAdd: Command = defineCommand({
  path: ['room', 'data', 'add'],
  summary: 'Bring your data for an input of a contract, sealed',
  description:
    'Seals the files here, uploads them, gives their key to the verified KMS for runs of this contract alone, and signs\n' +
    'that they are the input. A table is one file (CSV with a first line of names, JSON Lines or Parquet); texts,\n' +
    'recordings and images are as many as you like, or a folder. The same again goes on where it stopped.',
  arguments: [
    { name: 'INPUT', summary: 'name of the input in the contract', required: true },
    { name: 'FILE', summary: 'file or folder', required: true, variadic: true },
  ],
  flags: { ...MEDIA_FLAG, ...CONTRACT_FLAG, ...ROOM_FLAGS },
  examples: ['sotto room data add customers customers.csv', 'sotto room data add letters ./letters'],
  async run(context, [input = '', ...places], flags) {
    const { io, global, signal } = context
    const session = await openSession(context, flags)
    const state = await readState(context, session)
    const named = await chooseContract(
      session,
      state,
      flags.contract,
      `contract with an input ${input} of yours`,
      (contract) => {
        const own = ownNameIn(contract, session.own.key)
        return contract.inputs.some(({ name, owner }) => name === input && owner === own)
      },
    )
    await requireSigned(session, named)
    const { kind } = named.contract.inputs.find(({ name }) => name === input)!
    const { files, bytes } = await openDataFiles(io, kind, places)
    const bar = (label: string, total?: number) =>
      createProgress({
        sink: io.stderr,
        label: `${input}: ${label}`,
        quiet: global.quiet,
        now: io.now,
        ...(total !== undefined && { total }),
      })
    // The content is read once for its digest, and once for that of what is sealed.
    const prepared = bar('prepared', bytes * 2)
    const uploaded = bar('uploaded')
    const stated = await session.room
      .add(named, {
        input,
        files,
        options: flags.media === undefined ? {} : { media: flags.media },
        onPrepared: (amount) => prepared.advance(amount),
        transfer: {
          onBytes(amount) {
            prepared.end()
            uploaded.advance(amount)
          },
        },
        signal,
      })
      .finally(() => {
        prepared.end()
        uploaded.end()
      })
    if (global.json) return context.json(stated)
    context.out(
      `${input}  version ${stated.version}, ${formatBytes(stated.bytes)} sealed, artifact ${stated.artifact}`,
    )
    context.out(`content  ${stated.content}`)
  },
})
