import { custodianListDecoder, MAX_SHARES, MAX_SUCCESSIONS, MIN_THRESHOLD } from '@sotto/protocol/custody'
import type { ProposalBodies } from '@sotto/protocol/governance'
import { integer, list, object, parseStrictJson, refine } from '@sotto/protocol/jcs'
import { loggedStatementDecoder } from '@sotto/protocol/keyrelease'
import { cliError } from '../../errors.ts'
import { type Command, defineCommand } from '../../framework/index.ts'
import { openDesk } from '../../governance/index.ts'
import { A_PROPOSAL, FLAGS, propose, readNamed } from './propose.ts'

const sharingDecoder = refine(
  object<ProposalBodies['custodians']>({
    threshold: integer(MIN_THRESHOLD, MAX_SHARES),
    custodians: custodianListDecoder,
  }),
  ({ threshold, custodians }) =>
    threshold > custodians.length ? 'threshold is larger than the number of custodians' : undefined,
)

/** `sotto propose custodians FILE` */
export const proposeCustodians: Command = defineCommand({
  path: ['propose', 'custodians'],
  summary: 'Propose who holds shares of the root secret from now on',
  description:
    'Reads {threshold, custodians: [{name, key}]}, with keys as sotto custodian new prints them. Once accepted, ' +
    'the KMS makes new shares; they count as soon as enough of the new custodians have accepted theirs, and the ' +
    `old ones no more. The secret stays the same: sotto propose rotate-root replaces it. ${A_PROPOSAL}`,
  arguments: [{ name: 'FILE', summary: 'custodians, or - for standard input', required: true }],
  flags: FLAGS,
  examples: ['sotto propose custodians custodians.json --key alice.key'],
  async run(context, args, flags) {
    const desk = await openDesk(context, flags)
    const { label, text } = await readNamed(context, args)
    let body: ProposalBodies['custodians']
    try {
      body = sharingDecoder(parseStrictJson(text), 'custodians')
    } catch (cause) {
      const { message } = cause as Error
      throw cliError('CLI_CONFIG', `${label} does not say who the custodians are`, { found: message, cause })
    }
    await propose(context, desk, { kind: 'custodians', body, releases: [] }, flags)
  },
})

/** `sotto propose rotate-root` */
export const proposeRotateRoot: Command = defineCommand({
  path: ['propose', 'rotate-root'],
  summary: 'Propose a new root secret and root key',
  description:
    'Once accepted, the KMS makes a new secret, shares it with its custodians where it has some, seals its store ' +
    `anew and has the old key sign the new one. Clients follow by themselves. ${A_PROPOSAL}`,
  flags: FLAGS,
  examples: ['sotto propose rotate-root --key alice.key'],
  async run(context, _args, flags) {
    const desk = await openDesk(context, flags)
    const { roots } = await desk.ask<{ roots?: unknown }>(`${desk.kmsUrl}/v1/genesis`)
    const generation = list(loggedStatementDecoder, 0, MAX_SUCCESSIONS)(roots, 'roots').length + 1
    await propose(context, desk, { kind: 'rotate-root', body: { generation }, releases: [] }, flags)
  },
})
