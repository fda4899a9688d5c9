/** The command line of `npm run release:build`. */
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { ReleaseFailure } from './failure.ts'

export const USAGE = `Usage: npm run release:build -- [options]

Builds every measured image reproducibly, with what says where it comes from:
  OUT/<role>/image.tar, manifest, measurement, sbom.cdx.json, provenance.intoto.json
and, with a key, release.dsse.json, sbom.dsse.json and OUT/release.json.
The web pages are built too, into OUT/console/pages, with OUT/console/SHA256SUMS.

  --out DIR                folder to write (default: dist/release)
  --role NAME              only this: kms, inference, room or console (may be repeated)
  --software               images for the software TEE instead of hardware
  --check                  build again from a copy of the checkout, elsewhere, and compare every byte
  --key FILE               Ed25519 seed of the release key, mode 0600: sign
  --new-key FILE           make one first; prints its public key only
  --version TEXT           version of the release (default: that of package.json)
  --security-version N     never lower than that of any earlier release (default: 1)
  --evidence FILE          per role what hardware reports, and what the role does with content:
                           {"kms":{"configuration":"SHA256","evidence":{...},"dataUse":{...},"app":{...}}}
  --configuration ROLE=FILE  with --software: configuration that the statement is for; evidence is computed
  --log URL                append statements to this log (needs --append-token-file and --policy)
  --append-token-file FILE token for appending
  --policy FILE            trust policy that names log and witnesses: appends are proven, not believed
  --images-only            write images and manifests, nothing else
  --help                   print this text

Exit codes: 0 done, 1 not reproducible or failed, 2 wrong usage.`

export const ROLES = ['kms', 'inference', 'room'] as const
export type RoleName = (typeof ROLES)[number]

/** What `--role` names for the web pages, which no machine measures. */
const CONSOLE = 'console'

export interface ReleaseOptions {
  out: string
  roles: readonly RoleName[]
  /** Whether the web pages are part of it. */
  console: boolean
  flavour: 'release' | 'software'
  check: boolean
  imagesOnly: boolean
  key?: string
  newKey?: string
  version?: string
  securityVersion: number
  evidence?: string
  configurations: ReadonlyMap<RoleName, string>
  log?: { url: string; tokenFile: string; policy: string }
}

/** @returns undefined when help was asked for. @throws ReleaseFailure */
export function parseOptions(args: readonly string[], root: string, cwd: string): ReleaseOptions | undefined {
  const { values } = readArgs(args)
  if (values.help) return undefined
  const path = (name: string): string => resolve(cwd, name)
  const named = values.role ?? [...ROLES, CONSOLE]
  const roles = named.filter((name) => name !== CONSOLE).map(roleName)
  if (values.key !== undefined && values['new-key'] !== undefined)
    throw new ReleaseFailure('--key and --new-key exclude each other', 'name an existing key, or make one')
  const digits = values['security-version'] ?? '1'
  // An empty variable of a shell is no 0: the lowest version would be signed and logged.
  const securityVersion = /^\d{1,10}$/.test(digits) ? Number(digits) : -1
  if (securityVersion < 0 || securityVersion > 2 ** 31)
    throw new ReleaseFailure('--security-version is a whole number', 'count up from 1')
  const flavour = values.software ? 'software' : 'release'
  const configurations = new Map(
    (values.configuration ?? []).map((text) => {
      const [role = '', ...file] = text.split('=')
      return [roleName(role), path(file.join('='))] as const
    }),
  )
  if (configurations.size > 0 && flavour !== 'software')
    throw new ReleaseFailure(
      '--configuration computes evidence of the software TEE only',
      'give --evidence FILE with what the hardware reports',
    )
  const { log: url, 'append-token-file': tokenFile, policy } = values
  const signs = values.key !== undefined || values['new-key'] !== undefined
  if (url !== undefined && (tokenFile === undefined || policy === undefined || !signs))
    throw new ReleaseFailure(
      '--log needs --append-token-file, --policy and a key',
      'an entry is signed, and its index is proven under the policy’s log and witnesses',
    )
  return {
    out: path(values.out ?? join(root, 'dist/release')),
    roles: [...new Set(roles)],
    console: named.includes(CONSOLE) && !values['images-only'],
    flavour,
    check: values.check,
    imagesOnly: values['images-only'],
    securityVersion,
    configurations,
    ...(values.key !== undefined && { key: path(values.key) }),
    ...(values['new-key'] !== undefined && { newKey: path(values['new-key']) }),
    ...(values.version !== undefined && { version: values.version }),
    ...(values.evidence !== undefined && { evidence: path(values.evidence) }),
    ...(url !== undefined && { log: { url, tokenFile: path(tokenFile!), policy: path(policy!) } }),
  }
}

// The type follows from the data below.
// eslint-disable-next-line @typescript-eslint/explicit-function-return-type
function readArgs(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        out: { type: 'string' },
        role: { type: 'string', multiple: true },
        software: { type: 'boolean', default: false },
        check: { type: 'boolean', default: false },
        'images-only': { type: 'boolean', default: false },
        key: { type: 'string' },
        'new-key': { type: 'string' },
        version: { type: 'string' },
        'security-version': { type: 'string' },
        evidence: { type: 'string' },
        configuration: { type: 'string', multiple: true },
        log: { type: 'string' },
        'append-token-file': { type: 'string' },
        policy: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    })
  } catch (cause) {
    throw new ReleaseFailure((cause as Error).message, 'npm run release:build -- --help', { cause })
  }
}

function roleName(text: string): RoleName {
  const role = ROLES.find((name) => name === text)
  if (role === undefined)
    throw new ReleaseFailure(`there is no role ${text}`, `one of ${[...ROLES, CONSOLE].join(', ')}`)
  return role
}
