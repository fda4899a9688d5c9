import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromUtf8 } from '@sotto/protocol/bytes'
import { type DsseSigner, signDsse } from '@sotto/protocol/dsse'
import {
  encodeDocument,
  PAYLOAD_TYPES,
  RELEASE_PREDICATE,
  type ReleaseStatement,
  type Role,
} from '@sotto/protocol/keyrelease'
import {
  encodeManifest,
  imageDigest,
  type ManifestEntry,
  softwareMeasurement,
} from '@sotto/protocol/measurement'
import { createHash } from 'node:crypto'

/** What the pretended build puts into an image of a role, beside `bin/node`. */
export const program = (role: string): string => `// the program of ${role}\n`

/** The image that {@link writeCheckout} builds. */
export function entriesOf(role: Role, content = program(role)): ManifestEntry[] {
  const file = (path: string, text: string, mode: number): ManifestEntry => ({
    path,
    mode,
    sha256: createHash('sha256').update(text).digest('hex'),
  })
  return [file('bin/node', 'node', 0o755), file('role.js', content, 0o644)]
}

/**
 * A checkout whose build takes milliseconds: the same command line, the same folders, no bundler.
 * @param body runs in the build first; `place` is the folder it builds into
 */
export function writeCheckout(folder: string, body = ''): void {
  mkdirSync(join(folder, 'scripts/release'), { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{"name":"sotto"}')
  writeFileSync(join(folder, 'scripts/release/main.ts'), '')
  writeFileSync(
    join(folder, 'scripts/bootstrap.mjs'),
    `import { mkdirSync, writeFileSync, chmodSync } from 'node:fs'
import { join } from 'node:path'
import { spawn } from 'node:child_process'
const args = process.argv.slice(2)
const place = args[args.indexOf('--out') + 1]
writeFileSync(${JSON.stringify(join(folder, 'ran.json'))}, JSON.stringify({ args, env: process.env, place }))
${body}
for (const role of args.flatMap((arg, i) => (arg === '--role' ? [args[i + 1]] : []))) {
  const image = join(place, role, 'image')
  mkdirSync(join(image, 'bin'), { recursive: true })
  writeFileSync(join(image, 'bin/node'), 'node')
  chmodSync(join(image, 'bin/node'), 0o755)
  writeFileSync(join(image, 'role.js'), '// the program of ' + role + '\\n')
  chmodSync(join(image, 'role.js'), 0o644)
}
`,
  )
}

/** `release.json` and manifests of a release with these images, as `release:build` lays them out. */
export function writeRelease(
  folder: string,
  signer: DsseSigner | undefined,
  images: { [Name in Role]?: ManifestEntry[] },
  change: Record<string, unknown> = {},
): string {
  const roles = Object.entries(images).map(([role, entries]) => {
    mkdirSync(join(folder, role), { recursive: true })
    writeFileSync(join(folder, role, 'manifest'), encodeManifest(entries))
    const measurement = imageDigest(entries)
    const envelope = signer && fromUtf8(signRelease(role as Role, measurement, signer))
    return [
      role,
      {
        measurement,
        image: 'ab'.repeat(32),
        sbom: 'cd'.repeat(32),
        ...(envelope && { statements: { release: { envelope, index: 7 } } }),
      },
    ]
  })
  const file = join(folder, 'release.json')
  const document = {
    format: 'sotto-release/1',
    version: '1.2.3',
    flavour: 'software',
    arch: process.arch,
    source: { digest: 'ef'.repeat(32) },
    roles: Object.fromEntries(roles) as object,
    ...change,
  }
  writeFileSync(file, JSON.stringify(document, null, 2))
  return file
}

export function signRelease(role: Role, digest: string, signer: DsseSigner): Uint8Array {
  const configuration = '12'.repeat(32)
  const statement: ReleaseStatement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [
      { name: 'image', digest: { sha256: digest } },
      { name: 'configuration', digest: { sha256: configuration } },
    ],
    predicateType: RELEASE_PREDICATE,
    predicate: {
      role,
      version: '1.2.3',
      securityVersion: 1,
      evidence: {
        family: 'software',
        measurements: [softwareMeasurement(digest)],
        hostData: [configuration],
      },
      createdAt: 1_790_000_000,
    },
  }
  return signDsse(PAYLOAD_TYPES.release, encodeDocument(statement), [signer])
}
