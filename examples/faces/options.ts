import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type ModelOwner, modelOwner } from '@sotto/client'
import { fromBase64Url } from '@sotto/protocol/bytes'
import { parseTrustPolicy, type TrustPolicy } from '@sotto/verifier'
import { createPrivateKey } from 'node:crypto'
import type { NetworkFiles } from './people/networks.ts'

export const USAGE = `usage: node examples/faces/faces.mjs --detector FILE --people FOLDER
       node examples/faces/faces.mjs measure --detector FILE --people FOLDER

measure says how well the description tells the people of a folder apart, and sends nothing.

  --detector FILE        UltraFace as ONNX (SOTTO_FACE_DETECTOR)
  --people FOLDER        pictures of the people to know: alice.png, or alice/1.png, alice/2.png
  --embedding FILE       a face network of yours, ArcFace for instance, in place of the built-in description
  --min-similarity N     the most alike that pictures of two people may be (0 to 1)
  --margin N             cut faces out this much wider than the detector's boxes (default 1)
  --name NAME            name of the published model (default faces)
  --port PORT            port of the page (default 8600): sotto up --browser-origin http://127.0.0.1:PORT
  --host URL, --policy FILE, --owner FILE   as in sotto models push; default: the stack of this folder
`

/** Whom to know, and by what. */
export interface Sources {
  readonly networks: NetworkFiles
  readonly people: string
}

/** What the example is told on its command line. */
export interface Options extends Sources {
  readonly name: string
  readonly port: number
  readonly relay: string
  readonly gateway: string
  readonly policy: TrustPolicy
  /** As its author wrote it: the page pins the same. */
  readonly policyText: string
  readonly owner: ModelOwner
}

/** What is wrong, and what to do about it. */
export class Advice extends Error {
  readonly hint: string
  constructor(message: string, hint: string) {
    super(message)
    this.hint = hint
  }
}

const TEXT = { type: 'string' } as const
const SOURCES = {
  detector: TEXT,
  people: TEXT,
  embedding: TEXT,
  'min-similarity': TEXT,
  margin: TEXT,
} as const
const TARGET = { name: TEXT, port: TEXT, host: TEXT, policy: TEXT, owner: TEXT } as const

type Given<Specs> = { [Name in keyof Specs]?: string | undefined }

/** @throws Advice */
export function readSources(argv: readonly string[], env: NodeJS.ProcessEnv, cwd: string): Sources {
  return sourcesOf(parseArgs({ args: [...argv], options: SOURCES }).values, env, cwd)
}

/** @throws Advice */
export function readOptions(argv: readonly string[], env: NodeJS.ProcessEnv, cwd: string): Options {
  const { values } = parseArgs({ args: [...argv], options: { ...SOURCES, ...TARGET } })
  return {
    ...sourcesOf(values, env, cwd),
    name: values.name ?? 'faces',
    port: numberOf('port', values.port, 0, 65_535) ?? 8600,
    ...readTarget(values, cwd),
    owner: readOwner(values.owner ?? env['SOTTO_OWNER'] ?? join(configFolder(env), 'owner.key')),
  }
}

function sourcesOf(values: Given<typeof SOURCES>, env: NodeJS.ProcessEnv, cwd: string): Sources {
  const detector = resolve(cwd, values.detector ?? env['SOTTO_FACE_DETECTOR'] ?? 'version-RFB-320.onnx')
  if (!existsSync(detector))
    throw new Advice(
      `there is no detector at ${detector}`,
      'download models/onnx/version-RFB-320.onnx (1.2 MB, MIT) of Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB ' +
        'on GitHub, and name it with --detector',
    )
  const { people, embedding } = values
  if (people === undefined || !existsSync(resolve(cwd, people)))
    throw new Advice(
      people === undefined ? 'nobody is to be known' : `there is no folder ${people}`,
      'name a folder of pictures: --people FOLDER with alice.png, bob.png',
    )
  return {
    networks: {
      detector,
      embedding: embedding === undefined ? undefined : resolve(cwd, embedding),
      minSimilarity: numberOf('min-similarity', values['min-similarity'], 0, 1),
      margin: numberOf('margin', values.margin, 0.5, 3),
    },
    people: resolve(cwd, people),
  }
}

function numberOf(name: string, value: string | undefined, min: number, max: number): number | undefined {
  if (value === undefined) return undefined
  const number = Number(value)
  if (value.trim() === '' || !(number >= min && number <= max))
    throw new Advice(`--${name} ${value} is no number of that kind`, `give one from ${min} to ${max}`)
  return number
}

function readTarget(
  values: { host?: string | undefined; policy?: string | undefined },
  cwd: string,
): Pick<Options, 'relay' | 'gateway' | 'policy' | 'policyText'> {
  const own =
    values.host === undefined
      ? undefined
      : { relay: values.host, gateway: 'inference', policy: values.policy }
  const { relay, gateway, policy } = own ?? readStack(cwd)
  if (policy === undefined)
    throw new Advice('nothing says what to accept of that host', 'name its trust policy with --policy FILE')
  const policyText = readFileSync(resolve(cwd, values.policy ?? policy), 'utf8')
  return { relay, gateway, policyText, policy: parseTrustPolicy(policyText) }
}

/** The stack that `sotto up` runs in this folder. */
function readStack(cwd: string): { relay: string; gateway: string; policy: string } {
  const hint =
    'start one: npx sotto up -d --browser-origin http://127.0.0.1:8600; or name a service with --host and --policy'
  let stack: Record<string, unknown>
  try {
    stack = JSON.parse(readFileSync(join(cwd, '.sotto', 'stack.json'), 'utf8')) as Record<string, unknown>
  } catch {
    throw new Advice('no stack runs in this folder', hint)
  }
  const { relay, gateway, policy } = stack
  if (typeof relay !== 'string' || typeof gateway !== 'string' || typeof policy !== 'string')
    throw new Advice('.sotto/stack.json is damaged', hint)
  return { relay, gateway, policy }
}

function configFolder(env: NodeJS.ProcessEnv): string {
  const base = env['XDG_CONFIG_HOME'] || join(env['HOME'] ?? '.', '.config')
  return env['SOTTO_CONFIG_DIR'] || join(base, 'sotto')
}

/** The key of the owner, whom the stack admitted when it started. */
function readOwner(file: string): ModelOwner {
  try {
    const key = createPrivateKey(readFileSync(file))
    if (key.asymmetricKeyType === 'ed25519')
      return modelOwner(fromBase64Url(key.export({ format: 'jwk' }).d!))
  } catch {
    // Without the cause: it may quote the key.
  }
  throw new Advice(`${file} is no owner's key`, 'sotto up makes one; or name yours with --owner FILE')
}
