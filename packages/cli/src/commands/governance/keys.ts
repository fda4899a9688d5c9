import { resolve } from 'node:path'
import { cliError } from '../../errors.ts'
import { type Command, defineCommand } from '../../framework/index.ts'
import { createMemberSecret, readMemberKey, readPemSecret, writeMemberKey } from '../../governance/index.ts'
import { algorithmOf, memberSigner } from '@sotto/protocol/governance'

/** `sotto keys new FILE` */
export const keysNew: Command = defineCommand({
  path: ['keys', 'new'],
  summary: 'Make a member key, for proposals, votes and holds',
  description:
    'Writes a private key to FILE, which only you can read, and prints the public key: that is what a ' +
    'constitution names. The private key is never printed, and an existing file is never replaced.',
  arguments: [{ name: 'FILE', summary: 'where to keep the key', required: true }],
  flags: {
    p256: { type: 'boolean', summary: 'a P-256 key (ES256) instead of Ed25519' },
    from: {
      type: 'string',
      value: 'PEM',
      summary: 'take the key of another tool: unencrypted PKCS#8 PEM, Ed25519 or P-256',
    },
  },
  examples: ['sotto keys new alice.key', 'sotto keys new alice.key --from alice.pem --json'],
  async run(context, args, flags) {
    if (flags.p256 && flags.from !== undefined)
      throw cliError('CLI_USAGE', '--p256 and --from do not go together', {
        hint: 'the file says which kind of key it is',
      })
    const file = resolve(context.io.cwd, args[0]!)
    const made =
      flags.from === undefined
        ? createMemberSecret(flags.p256 ? 'ES256' : 'EdDSA')
        : await readPemSecret(resolve(context.io.cwd, flags.from))
    await writeMemberKey(file, made)
    const { key } = memberSigner(made.algorithm, made.secret)
    made.secret.fill(0)
    context.note(`the private key is in ${args[0]!}: keep a copy, and let nobody else read it`)
    if (context.global.json) context.json({ key, algorithm: made.algorithm, file })
    else context.out(key)
  },
})

/** `sotto keys show FILE` */
export const keysShow: Command = defineCommand({
  path: ['keys', 'show'],
  summary: 'Print the public key of a member key',
  arguments: [{ name: 'FILE', summary: 'key, as sotto keys new wrote it', required: true }],
  flags: {},
  examples: ['sotto keys show alice.key'],
  async run(context, args) {
    const { key } = await readMemberKey(resolve(context.io.cwd, args[0]!))
    if (context.global.json) context.json({ key, algorithm: algorithmOf(key) })
    else context.out(key)
  },
})
