import { type CommandContext, type Command, defineCommand } from '../../framework/index.ts'
import { OWNER_FLAG, ownerKeyFile, readOwner } from '../../owner/index.ts'
import { openService, TARGET_FLAGS } from '../../service/index.ts'
import { formatBytes } from '../../terminal/index.ts'

/** `sotto models show NAME` */
export const modelsShow: Command = defineCommand({
  path: ['models', 'show'],
  summary: 'Show what an owner signed about a model, verified against the log',
  description:
    'Fetches the statement with its proof: signed by the owner whose tag is in the name, and in the witnessed log.\n' +
    'A name without an owner is one of yours.',
  arguments: [
    {
      name: 'NAME',
      summary: '<owner>/<name>, or <name> of your own; with :<version> exactly that',
      required: true,
    },
  ],
  flags: { ...TARGET_FLAGS, ...OWNER_FLAG },
  examples: ['sotto models show my-model', 'sotto models show eh7ddx5bksrgcytl7bkai36s/my-model:2'],
  async run(context, [name = ''], flags) {
    const full = await fullName(context, name, flags.owner)
    const sotto = await openService(context, flags)
    const { id, statement, index } = await sotto.models.show(full, context.signal)
    if (context.global.json) return context.json({ id, index, statement })
    context.out(id)
    const time = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
    const rows: [string, string][] = [
      ['task', statement.task],
      ['digest', statement.model],
      ['sealed', `${formatBytes(statement.bytes)}, sha256 ${statement.digest}`],
      ['artifact', statement.artifact],
      ['policy', statement.policy],
      ['owner', statement.owner],
      ['published', time(statement.createdAt)],
      ...(statement.expiresAt === undefined
        ? []
        : [['expires', time(statement.expiresAt)] as [string, string]]),
      ['log', `entry ${index}`],
    ]
    for (const [label, value] of rows) context.out(`  ${label.padEnd(10)} ${value}`)
  },
})

/** A name with its owner: one without is of whoever holds the key file. */
export async function fullName(
  context: CommandContext,
  name: string,
  owner: string | undefined,
): Promise<string> {
  if (name.includes('/')) return name
  return `${(await readOwner(ownerKeyFile(context.io, owner))).tag}/${name}`
}
