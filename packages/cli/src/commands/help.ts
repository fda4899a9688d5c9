import { cliError } from '../errors.ts'
import { type Command, defineCommand } from '../framework/index.ts'
import { HELP_TOPICS } from '../help/index.ts'

/** `sotto help [TOPIC]` */
export const help: Command = defineCommand({
  path: ['help'],
  summary: 'Explain a topic: environment, exit-codes, formatting, rooms',
  arguments: [
    {
      name: 'TOPIC',
      summary: Object.keys(HELP_TOPICS).join(', '),
      required: false,
      choices: Object.keys(HELP_TOPICS),
    },
  ],
  flags: {},
  async run(context, [topic]) {
    if (topic === undefined) {
      context.out(`Topics: ${Object.keys(HELP_TOPICS).join(', ')}\nCommands: run sotto --help`)
      return
    }
    if (!Object.hasOwn(HELP_TOPICS, topic)) {
      throw cliError('CLI_USAGE', `no help topic ${JSON.stringify(topic)}`, {
        hint: `topics are ${Object.keys(HELP_TOPICS).join(', ')}; for a command use sotto ${topic} --help`,
      })
    }
    context.out(HELP_TOPICS[topic]!().trimEnd())
  },
})
