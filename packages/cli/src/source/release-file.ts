import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { hex, integer, label, members, oneOf, parseStrictJson, text } from '@sotto/protocol/jcs'
import type { Role } from '@sotto/protocol/keyrelease'
import { cliError } from '../errors.ts'
import { ROLES } from './roles.ts'

/** `release.json` as `npm run release:build` writes it: whoever passed it on may have changed all of it. */
export interface ReleaseFile {
  version: string
  flavour: 'release' | 'software'
  arch: string
  roles: { [Name in Role]?: ReleasedRole }
  /** The web pages. Absent from a release of single roles. */
  pages: ReleasedPages | undefined
}

/** The pages of it. */
export interface ReleasedPages {
  /** SHA-256 of their manifest, hexadecimal. */
  digest: string
  /** Signed statement, as of a role. */
  statement: string | undefined
}

/** One role of it. */
export interface ReleasedRole {
  /** Image digest, hexadecimal. */
  measurement: string
  /** Signed release statement: a DSSE envelope. Absent from a build nobody signed. */
  statement: string | undefined
}

const MAX_FILE_BYTES = 1_048_576
/** A manifest of 20000 files of 200 characters. */
const MAX_MANIFEST_BYTES = 4_194_304

const statement = members<{ envelope: string; index?: number }>(
  { envelope: text(65_535) },
  { index: integer(0) },
)
const role = members<{
  measurement: string
  image: string
  sbom: string
  statements?: { release?: object; provenance?: object; sbom?: object }
}>(
  { measurement: hex(32), image: hex(32), sbom: hex(32) },
  { statements: members({}, { release: statement, provenance: statement, sbom: statement }) },
)
const pages = members<{ pages: string; statements?: { release?: object } }>(
  { pages: hex(32) },
  { statements: members({}, { release: statement }) },
)
const document = members<Document>(
  {
    format: oneOf('sotto-release/1'),
    version: label(64),
    flavour: oneOf('release', 'software'),
    arch: text(32, /^[a-z0-9_]+$/),
    source: members<{ digest: string; commit?: string }>(
      { digest: hex(32) },
      { commit: text(64, /^[0-9a-f]{40,64}$/) },
    ),
    roles: members({}, { kms: role, inference: role, room: role }),
  },
  { console: pages },
)

interface Document {
  format: 'sotto-release/1'
  version: string
  flavour: 'release' | 'software'
  arch: string
  source: { digest: string; commit?: string }
  roles: object
  console?: ReturnType<typeof pages>
}

/** Structure of a `release.json`. @throws `CLI_FILE` (fix-input) */
export function parseReleaseFile(bytes: string, name: string): ReleaseFile {
  try {
    const {
      version,
      flavour,
      arch,
      roles,
      console: web,
    } = document(parseStrictJson(bytes, { maxBytes: MAX_FILE_BYTES }), 'release')
    const named = ROLES.flatMap((one) => {
      const entry = (roles as Record<string, ReturnType<typeof role> | undefined>)[one]
      const release = entry?.statements?.release as { envelope: string } | undefined
      return entry ? [[one, { measurement: entry.measurement, statement: release?.envelope }] as const] : []
    })
    if (named.length === 0 && web === undefined) throw new Error('it names no role')
    const statement = web?.statements?.release as { envelope: string } | undefined
    return {
      version,
      flavour,
      arch,
      roles: Object.fromEntries(named),
      pages: web && { digest: web.pages, statement: statement?.envelope },
    }
  } catch (cause) {
    throw cliError('CLI_FILE', `${name} is not a release`, {
      found: (cause as Error).message,
      hint: 'name the release.json that npm run release:build wrote',
      cause,
    })
  }
}

/** Reads it. @throws `CLI_FILE` */
export async function readReleaseFile(file: string): Promise<ReleaseFile> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw cliError('CLI_FILE', `cannot read ${file}`, { cause })
  })
  return parseReleaseFile(text, file)
}

/**
 * The manifest beside a `release.json`, when it is the one that the digest names: for saying which file
 * differs. Undefined otherwise, and nothing rests on it.
 */
export async function readManifest(file: string, role: Role, digest: string): Promise<string | undefined> {
  const manifest = await readFile(join(dirname(file), role, 'manifest'), 'utf8').catch(() => undefined)
  if (manifest === undefined || manifest.length > MAX_MANIFEST_BYTES) return undefined
  return toHex(crypto.sha256(utf8(manifest))) === digest ? manifest : undefined
}
