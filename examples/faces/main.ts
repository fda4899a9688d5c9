/** Publishes a sealed graph that knows some faces, and serves the page that asks it. */
import { readNetworks } from './people/networks.ts'
import { readPeople } from './people/enrol.ts'
import { measure } from './measure.ts'
import { readOptions, readSources, USAGE } from './options.ts'
import { publishFaces } from './publish.ts'
import { servePage } from './serve.ts'

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const warn = (line: string): void => void process.stderr.write(`${line}\n`)

async function main(argv: readonly string[]): Promise<void> {
  if (argv.includes('--help') || argv.length === 0) return say(USAGE)
  if (argv[0] === 'measure') {
    const { networks, people } = readSources(argv.slice(1), process.env, process.cwd())
    for (const line of await measure(readNetworks(networks), readPeople(people))) say(line)
    return
  }
  const options = readOptions(argv, process.env, process.cwd())
  const networks = readNetworks(options.networks)
  const portraits = readPeople(options.people)
  const names = [...new Set(portraits.map(({ name }) => name))]
  say(`describing ${portraits.length} pictures of ${names.length} people on this machine ...`)
  const { published, trust } = await publishFaces(networks, portraits, options)
  if (trust.software)
    warn(
      'warning: software TEE: this rests on a program, not on hardware; whoever runs that machine can see everything',
    )
  say(`sealed and published as ${published.id}`)
  say(`digest  ${published.digest}`)
  const { relay, gateway, policyText } = options
  const page = await servePage({ ...published, relay, gateway, policy: policyText }, options.port)
  say(`page    ${page.url}   (Ctrl-C ends it)`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => page.close())
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  const { message, code, found, hint } = error as Error & { code?: string; found?: string; hint?: string }
  warn(`error: ${message}${code === undefined ? '' : ` [${code}]`}`)
  if (found !== undefined) warn(`  found: ${found}`)
  if (hint !== undefined) warn(`hint: ${hint}`)
  if (code?.startsWith('ERR_PARSE_ARGS')) warn(USAGE)
  process.exitCode = 1
}
