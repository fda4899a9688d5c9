/** The web pages of a release: built, listed, and what is signed about them. */
import { createHash } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CONSOLE_RELEASE_PREDICATE, type ConsoleRelease } from '@sotto/protocol/console-release'
import { type PreparedSigner, signDsse } from '@sotto/protocol/dsse'
import { encodeDocument, PAYLOAD_TYPES } from '@sotto/protocol/keyrelease'
import { buildPages } from '../console/build.ts'

/** The pages as `release.json` describes them. */
export interface PagesEntry {
  /** SHA-256 of the manifest. */
  pages: string
  /** As of a role. */
  statements?: { release: { envelope: string; index?: number } }
}

/** Builds the pages into `OUT/console/pages`; the manifest lies beside them too. @returns its digest */
export async function makePages(out: string): Promise<string> {
  const place = join(out, 'console')
  rmSync(place, { recursive: true, force: true })
  const { manifest } = await buildPages(join(place, 'pages'))
  writeFileSync(join(place, 'SHA256SUMS'), manifest, { mode: 0o644 })
  return createHash('sha256').update(manifest).digest('hex')
}

/** Signs that these are the pages of a release. */
export function signPages(
  signer: PreparedSigner,
  digest: string,
  predicate: ConsoleRelease['predicate'],
): Uint8Array {
  const statement: ConsoleRelease = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: 'console', digest: { sha256: digest } }],
    predicateType: CONSOLE_RELEASE_PREDICATE,
    predicate,
  }
  return signDsse(PAYLOAD_TYPES.release, encodeDocument(statement), [signer])
}
