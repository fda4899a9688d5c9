import { join, resolve } from 'node:path'
import { ownNameIn, type RoomRun, type RoomState } from '@sotto/client/rooms'
import { originOf } from '@sotto/client/rooms/training'
import { utf8 } from '@sotto/protocol/bytes'
import { isTraining, type NamedContract } from '@sotto/protocol/contract'
import { hasCode } from '@sotto/protocol/errors'
import { encodeModelOrigin } from '@sotto/protocol/training'
import { cliError } from '../../errors.ts'
import { type Command, type CommandContext, defineCommand, EXIT } from '../../framework/index.ts'
import { ORIGIN_ENDING } from '../../models/lineage/index.ts'
import {
  contractOfRun,
  findRun,
  isToldDone,
  openSession,
  readState,
  roomFolder,
  ROOM_FLAGS,
  type RoomSession,
  short,
  writePrivate,
} from '../../room/index.ts'
import { formatBytes } from '../../terminal/index.ts'

/** What was written of a run. */
interface Written {
  run: string
  proof: string
  outputs: {
    output: string
    file: string
    bytes: number
    isNew: boolean
    /** Of a training: the file that says where it comes from. */
    origin?: string
  }[]
}

/** `sotto room outputs [RUN]` */
export const roomOutputs: Command = defineCommand({
  path: ['room', 'outputs'],
  summary: 'Open results of runs that are done, and keep their proofs',
  description:
    'Verifies all that the KMS and the room say of a run, opens what is sealed to you, and writes it to files that only you\n' +
    'may read: DIR/RUN/OUTPUT. Nothing that is there is replaced. What proves the run later, offline, is kept beside the\n' +
    'room, in proofs/RUN.json, also where a run has no output for you. Beside what a training made, OUTPUT.origin.json\n' +
    'tells whoever gets it where it comes from, without the contract: see sotto models lineage.',
  arguments: [
    { name: 'RUN', summary: 'digest or its beginning (default: every run that is done)', required: false },
  ],
  flags: {
    out: { type: 'string', value: 'DIR', summary: 'folder (default: ROOM-outputs here)' },
    ...ROOM_FLAGS,
  },
  examples: ['sotto room outputs', 'sotto room outputs 3f8a91c2d4e5 --out results'],
  async run(context, [wanted], flags) {
    const session = await openSession(context, flags)
    const state = await readState(context, session)
    const folder = resolve(context.io.cwd, flags.out ?? `${session.saved.name}-outputs`)
    const runs = wanted === undefined ? doneFor(state, session) : [requireTold(findRun(state, wanted))]
    if (runs.length === 0) context.note('no run is done')
    const all: Written[] = []
    let code: number = EXIT.ok
    for (const run of runs)
      try {
        const written = await open(session, contractOfRun(state, run), run, {
          folder: join(folder, short(run.run)),
          proofs: join(roomFolder(context.io, session.saved.name), 'proofs'),
        })
        all.push(written)
        if (!context.global.json) print(context, written)
      } catch (error) {
        // One that does not verify must not hide the others; alone, it is how the command ends.
        if (runs.length === 1 || context.signal.aborted) throw error
        code = await context.reportFailure(error)
      }
    if (context.global.json) context.json({ runs: all })
    return code
  },
})

async function open(
  { room, own }: RoomSession,
  named: NamedContract,
  run: RoomRun,
  places: { folder: string; proofs: string },
): Promise<Written> {
  const results = await room.results(named, run)
  const proof = await keepFirst(places.proofs, `${run.run}.json`, utf8(`${JSON.stringify(results.proof)}\n`))
  const outputs: Written['outputs'] = []
  for (const { name, content, salt } of results.outputs) {
    const { file, isSame } = await writePrivate(places.folder, name, content)
    const origin = isTrained(named, run)
      ? await keepFirst(
          places.folder,
          `${name}${ORIGIN_ENDING}`,
          encodeModelOrigin(originOf(results.proof, { name, salt }, results.charged)),
        )
      : undefined
    outputs.push({
      output: name,
      file,
      bytes: content.length,
      isNew: !isSame,
      ...(origin !== undefined && { origin }),
    })
  }
  if (outputs.length === 0 && receives(named, run, own.key))
    throw cliError('ROOM_STATE', `the run ${short(run.run)} shows no output for you`)
  return { run: run.run, proof, outputs }
}

/** A proof or origin that is there stays: it says when it was verified first. */
async function keepFirst(folder: string, name: string, content: Uint8Array): Promise<string> {
  try {
    return (await writePrivate(folder, name, content)).file
  } catch (error) {
    if (!hasCode(error, 'CLI_FILE') || (error.cause as { code?: unknown } | undefined)?.code !== 'EEXIST')
      throw error
    return join(folder, name)
  }
}

function isTrained({ contract }: NamedContract, { offered }: RoomRun): boolean {
  return contract.transforms.some(({ name, task }) => name === offered.offer.transform && isTraining(task))
}

/** Runs that members tell are done, of contracts of this party: whoever owns an input keeps the proof too. */
function doneFor({ runs, proposals }: RoomState, { own }: RoomSession): RoomRun[] {
  return [...runs.values()].filter((run) => {
    const named = proposals.get(run.offered.offer.contract)
    return isToldDone(run) && named !== undefined && ownNameIn(named.contract, own.key) !== undefined
  })
}

function receives({ contract }: NamedContract, { offered }: RoomRun, key: string): boolean {
  const name = ownNameIn(contract, key)
  return contract.outputs.some(
    ({ from, receivers }) =>
      from === offered.offer.transform && name !== undefined && receivers.includes(name),
  )
}

/** @throws `ROOM_STATE` where nobody tells that it is done; whether it is, opening it verifies */
function requireTold(run: RoomRun): RoomRun {
  if (isToldDone(run)) return run
  const state = run.views[0]?.view.state ?? 'offered'
  throw cliError('ROOM_STATE', `the run ${short(run.run)} is not done`, {
    expected: 'done',
    found: state,
    hint: `sotto room run --go ${short(run.run)} goes on with it`,
  })
}

function print(context: CommandContext, { run, proof, outputs }: Written): void {
  for (const { output, file, bytes, isNew, origin } of outputs) {
    context.out(`${output}  ${formatBytes(bytes)}  ${file}${isNew ? '' : '  (was there)'}`)
    if (origin !== undefined) context.note(`where it comes from, for whoever gets it: ${origin}`)
  }
  if (outputs.length === 0) context.note(`${short(run)} has nothing for you`)
  context.note(`what proves it: ${proof}`)
}
