import { ownersDecoder, type ProposalBodies } from '@sotto/protocol/governance'
import { parseStrictJson } from '@sotto/protocol/jcs'
import { cliError } from '../../errors.ts'
import { type Command, defineCommand } from '../../framework/index.ts'
import { openDesk } from '../../governance/index.ts'
import { A_PROPOSAL, FLAGS, propose, readNamed } from './propose.ts'

/** `sotto propose owners FILE` */
export const proposeOwners: Command = defineCommand({
  path: ['propose', 'owners'],
  summary: 'Propose whose sealed models the KMS keeps keys of',
  description:
    'Reads {owners: [{name, key, artifacts}]}: the public key of each model owner, as sotto models seal prints it, and ' +
    'of how many artifacts the KMS keeps keys at once. The list takes the place of the one before. Who is listed no ' +
    `more adds nothing; what is there stays, and can be removed by its owner. ${A_PROPOSAL}`,
  arguments: [{ name: 'FILE', summary: 'owners, or - for standard input', required: true }],
  flags: FLAGS,
  examples: ['sotto propose owners owners.json --key alice.key'],
  async run(context, args, flags) {
    const desk = await openDesk(context, flags)
    const { label, text } = await readNamed(context, args)
    let body: ProposalBodies['owners']
    try {
      body = ownersDecoder(parseStrictJson(text), 'owners')
    } catch (cause) {
      const { message } = cause as Error
      throw cliError('CLI_CONFIG', `${label} does not say who the owners are`, { found: message, cause })
    }
    await propose(context, desk, { kind: 'owners', body, releases: [] }, flags)
  },
})
