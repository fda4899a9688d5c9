import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { writeWhole } from '@sotto/client/node'
import { parseVerifierKey } from '@sotto/protocol/note'
import { cliError } from '../../errors.ts'
import { type Command, defineCommand } from '../../framework/index.ts'
import { printRoleKey } from '../../stack/edge-roles.ts'
import { findLayout } from '../../stack/layout.ts'

/** Configuration of a witness, in its folder. */
export const WITNESS_CONFIG = 'witness.json'

/** `sotto witness init` */
export const witnessInit: Command = defineCommand({
  path: ['witness', 'init'],
  summary: 'Make the key and configuration of a witness of your own',
  description:
    'A witness cosigns a log’s checkpoint only where it extends the one it cosigned last, so a log cannot show two ' +
    'people two histories. It is worth something to others where you, not the log’s operator, run it. Prints its ' +
    'verifier key: hand it to the log’s operator, and to whoever writes trust policies. The key stays in the folder; ' +
    'back it up, never the database beside it: an older one would make the witness cosign a fork.',
  arguments: [{ name: 'DIR', summary: 'folder of the witness (default .)', required: false }],
  flags: {
    name: { type: 'string', value: 'NAME', summary: 'name in its cosignatures, like witness.example/w1' },
    log: {
      type: 'string',
      value: 'KEY',
      repeats: true,
      summary: 'verifier key of a log to watch; "ORIGIN KEY" where the origin is not the name of the key',
    },
    listen: { type: 'string', value: 'HOST:PORT', summary: 'address to serve at (default 127.0.0.1:8790)' },
  },
  examples: ['sotto witness init w1 --name witness.example/w1 --log log.example+1a2b3c4d+AbC...'],
  async run(context, [directory = '.'], flags) {
    if (flags.name === undefined || flags.log === undefined)
      throw cliError('CLI_USAGE', '--name and --log are needed', {
        hint: 'the log’s operator has its verifier key; GET /log/key answers it too',
      })
    const folder = resolve(context.io.cwd, directory)
    const file = join(folder, WITNESS_CONFIG)
    if (existsSync(file))
      throw cliError('CLI_FILE', `there is a witness in ${directory} already`, {
        hint: 'edit its witness.json',
      })
    const config = {
      name: flags.name,
      listen: parseListen(flags.listen ?? '127.0.0.1:8790'),
      store: join(folder, 'store'),
      logs: flags.log.map(parseLog),
    }
    const role = findLayout().edge('witness')
    try {
      await mkdir(config.store, { recursive: true, mode: 0o700 })
      await writeWhole(file, `${JSON.stringify(config, null, 2)}\n`)
    } catch (cause) {
      throw cliError('CLI_FILE', `cannot write ${file}`, { cause })
    }
    const key = await printRoleKey('witness', role, file)
    if (context.global.json) return context.json({ key, config: file })
    context.out(key)
    context.note(`configuration in ${file}; start it with sotto witness run ${directory}`)
  },
})

function parseListen(text: string): { host: string; port: number } {
  const [, host = '', port = ''] = /^(.+):(\d{1,5})$/.exec(text) ?? []
  if (host !== '' && Number(port) <= 65_535) return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
  throw cliError('CLI_USAGE', '--listen takes HOST:PORT')
}

function parseLog(text: string): { origin: string; key: string } {
  const space = text.lastIndexOf(' ')
  const key = text.slice(space + 1)
  try {
    const { name, type } = parseVerifierKey(key)
    if (type === 'ed25519') return { origin: space < 0 ? name : text.slice(0, space), key }
  } catch {
    // Said below.
  }
  throw cliError('CLI_USAGE', '--log is not the verifier key of a log', { expected: 'name+hash+base64' })
}
