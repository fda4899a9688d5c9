import { resolve } from 'node:path'
import { type Audit, auditRuns, drawPage, drawSvg } from '@sotto/client/rooms/audit'
import { cliError } from '../../errors.ts'
import { type Command, type CommandContext, defineCommand, EXIT } from '../../framework/index.ts'
import { contractOfProofs, keptProofs, type ProofFile, readProofFiles } from '../../room/audit/proof-files.ts'
import { showAudit } from '../../room/audit/show.ts'
import { CONTRACT_FLAG } from '../../room/contracts.ts'
import { writeOnce } from '../../room/output-files.ts'
import { chooseRoom } from '../../room/rooms-folder.ts'
import { ROOM_NAME } from '../../room/saved-room.ts'
import { readPolicy, resolvePolicyPath } from '../../service/index.ts'

/** `sotto room audit [NAME] [PROOF.json...]` */
export const roomAudit: Command = defineCommand({
  path: ['room', 'audit'],
  summary: 'Check all runs of a contract from their proofs, and draw its graph, offline',
  description:
    'Reads the proofs that a room of yours keeps, or files: a word without a dot or slash is the name of a room. Checks ' +
    'each by itself, down to the evidence of the room that ran it, and all of them together: what was charged, in ' +
    'which order, whether every budget was kept. Proofs hold no data. Needs no network. Exit code 1: a check failed.',
  arguments: [
    { name: 'FILE', summary: 'name of a room, files of proofs, or both', required: false, variadic: true },
  ],
  flags: {
    ...CONTRACT_FLAG,
    policy: { type: 'string', value: 'FILE', summary: 'trust policy: what you accept (SOTTO_POLICY)' },
    svg: { type: 'string', value: 'FILE', summary: 'write the drawing to this file as well' },
    html: { type: 'string', value: 'FILE', summary: 'write drawing, runs and checks to this page as well' },
  },
  examples: [
    'sotto room audit offers --html offers.html',
    'sotto room audit run-1.json run-2.json --policy policy.json --svg graph.svg',
  ],
  async run(context, args, flags) {
    const { proofs, policyPath, isWhole } = await chooseProofs(context, args, flags.policy)
    const policy = await readPolicy(policyPath)
    const contract = contractOfProofs(proofs, flags.contract, { isWhole })
    const own = isWhole ? proofs : proofs.filter((one) => isAbout(one, contract?.digest))
    const files = own.map(({ file }) => file)
    const audit = auditRuns(
      own.map(({ proof }) => proof),
      policy,
      // Without a digest from the caller, what a file says of itself is not what the others are measured by.
      flags.contract === undefined || contract === undefined ? {} : { contract },
    )
    if (flags.svg !== undefined) await write(context, flags.svg, svgOf(audit))
    if (flags.html !== undefined) await write(context, flags.html, drawPage(audit, { sources: files }))
    if (context.global.json) context.json({ ...audit, sources: files })
    else showAudit(context, audit, files)
    return audit.ok ? EXIT.ok : EXIT.failure
  },
})

/** What is audited, and by which policy it is judged. */
interface Chosen {
  proofs: ProofFile[]
  policyPath: string
  /** Whether somebody named every file: none of them is left out. */
  isWhole: boolean
}

async function chooseProofs(
  context: CommandContext,
  args: readonly string[],
  policy: string | undefined,
): Promise<Chosen> {
  const [first, ...rest] = args
  if (first !== undefined && !ROOM_NAME.test(first))
    return {
      proofs: await readProofFiles(context, args),
      policyPath: await resolvePolicyPath(context, { policy }),
      isWhole: true,
    }
  const room = await chooseRoom(context.io, first)
  return {
    proofs: await readProofFiles(context, rest.length > 0 ? rest : await keptProofs(context, room.name)),
    policyPath: policy === undefined ? room.service.policy : resolve(context.io.cwd, policy),
    isWhole: rest.length > 0,
  }
}

/** What is no proof at all is not left out: it may be one that was damaged. */
function isAbout({ contract }: ProofFile, digest: string | undefined): boolean {
  return contract === undefined || contract.digest === digest
}

function svgOf({ graph }: Audit): string {
  if (graph !== undefined) return drawSvg(graph)
  throw cliError('CLI_FILE', 'no proof holds, so there is no graph to draw', {
    hint: 'leave --svg out to see what does not hold',
  })
}

/** What it shows of a contract is for its parties, and what is there already stays. @throws `CLI_FILE` */
async function write(context: CommandContext, file: string, text: string): Promise<void> {
  const path = resolve(context.io.cwd, file)
  await writeOnce(path, new TextEncoder().encode(text), 'move it away, or choose another place')
  context.note(`wrote ${file}`)
}
