import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { createLogReader, judgeCheckpoint, type LogReader } from '@sotto/client/monitor'
import { fromBase64Url, utf8 } from '@sotto/protocol/bytes'
import {
  CONSOLE_RELEASE_PREDICATE,
  type ConsoleRelease,
  consoleReleaseDecoder,
} from '@sotto/protocol/console-release'
import { type DsseEnvelope, parseDsse, verifyDsse } from '@sotto/protocol/dsse'
import { SottoError } from '@sotto/protocol/errors'
import { decodeDocument, PAYLOAD_TYPES } from '@sotto/protocol/keyrelease'
import { TILE_WIDTH } from '@sotto/protocol/tile-path'
import type { TrustPolicy } from '@sotto/verifier'
import { cliError } from '../../errors.ts'
import type { CommandContext } from '../../framework/index.ts'
import { readReleaseFile } from '../../source/release-file.ts'
import { MANIFEST_FILE, manifestDigest } from '../manifest.ts'

/** Which pages a host should serve, and who says so. */
export interface ExpectedPages {
  /** Text of the manifest. */
  manifest: string
  /** For people: `this installation`, `release 0.1.0, entry 12 of the log`. */
  by: string
}

/** Bundles of 256 entries that are read, the newest first. */
const MAX_BUNDLES = 256
const MAX_MANIFEST_CHARACTERS = 65_536

/**
 * Pages that a `release.json` is about, as a release key of the policy signed them.
 * @param candidates texts of which one may be the manifest: it is known by its digest, wherever it comes from
 * @throws `CLI_FILE`, `CLI_NOT_AUTHENTIC`
 */
export async function expectedByFile(
  file: string,
  policy: TrustPolicy,
  candidates: readonly string[],
): Promise<ExpectedPages> {
  const { pages } = await readReleaseFile(file)
  if (pages === undefined)
    throw cliError('CLI_FILE', `${file} is a release without pages`, {
      hint: 'npm run release:build without --role builds them too',
    })
  if (pages.statement === undefined)
    throw cliError('CLI_NOT_AUTHENTIC', 'the release of the pages was not signed', { found: pages.digest })
  const release = signedRelease(pages.statement, policy)
  const digest = release.subject[0].digest.sha256
  if (digest !== pages.digest)
    throw cliError('CLI_NOT_AUTHENTIC', 'the signed statement is about other pages', {
      expected: digest,
      found: pages.digest,
    })
  refuseRevoked(digest, policy)
  const beside = await readFile(join(dirname(file), 'console', MANIFEST_FILE), 'utf8').catch(() => '')
  const manifest = [beside, ...candidates].find((text) => manifestDigest(text) === digest)
  if (manifest === undefined)
    throw cliError('CLI_NOT_AUTHENTIC', 'these are other pages than the signed release', {
      expected: digest,
      found: candidates.map(manifestDigest).join(', ') || `no ${MANIFEST_FILE}`,
      hint: `put console/${MANIFEST_FILE} beside the release file to see which files differ`,
    })
  return { manifest, by: `release ${release.predicate.version} of ${basename(file)}` }
}

/**
 * Looks through the log for a release of the very pages that a host says to serve, the newest entries first: signed by a
 * release key of the policy, and proven to be in a tree that the log and its witnesses signed.
 *
 * @param manifest text of the host's own manifest: what it serves must then be what this says
 * @throws `CLI_NOT_AUTHENTIC` when no release names them; `LOG_UNREADABLE`, `MERKLE_*`
 */
export async function expectedByLog(
  context: CommandContext,
  log: URL,
  policy: TrustPolicy,
  manifest: string | undefined,
): Promise<ExpectedPages> {
  if (manifest === undefined || manifest.length > MAX_MANIFEST_CHARACTERS)
    throw cliError(
      'CLI_NOT_AUTHENTIC',
      `the host serves no ${MANIFEST_FILE}, so no release can be looked for`,
    )
  const digest = manifestDigest(manifest)
  refuseRevoked(digest, policy)
  const reader = createLogReader(log, context.io.fetch, context.signal)
  const { log: origin, witnesses, checkpointMaxAgeSeconds } = policy
  const followed = { ...origin, witnesses, checkpointMaxAgeSeconds }
  const now = Math.floor(context.io.now() / 1000)
  const { checkpoint, alerts } = judgeCheckpoint(await reader.checkpoint(), followed, now)
  if (checkpoint === undefined)
    throw cliError('CLI_NOT_AUTHENTIC', alerts[0]!.message, {
      ...(alerts[0]!.found && { found: alerts[0]!.found }),
    })
  for (const { code, message } of alerts) context.warn(`warning: ${message} (${code})`)
  let newest: string | undefined
  for await (const { release, index } of releasesIn(reader, checkpoint, policy)) {
    const { version } = release.predicate
    if (release.subject[0].digest.sha256 === digest) {
      if (newest !== undefined) context.warn(`warning: a newer release of the pages is in the log: ${newest}`)
      return { manifest, by: `release ${version}, entry ${index} of the log` }
    }
    newest ??= `${version}, entry ${index}`
  }
  throw cliError('CLI_NOT_AUTHENTIC', 'no release in the log is of these pages', {
    expected: 'a statement that a release key of the policy signed',
    found: `${digest}${newest === undefined ? '' : `; the newest release is ${newest}`}`,
    hint: 'do not use these pages; sotto console serves those of your own installation',
  })
}

async function* releasesIn(
  reader: LogReader,
  tree: { size: number; root: Uint8Array },
  policy: TrustPolicy,
): AsyncGenerator<{ release: ConsoleRelease; index: number }> {
  const last = Math.ceil(tree.size / TILE_WIDTH) - 1
  for (let bundle = last; bundle >= Math.max(0, last - MAX_BUNDLES + 1); bundle--) {
    const entries = await reader.bundle(bundle, tree)
    for (const [at, entry] of [...entries.entries()].reverse()) {
      const release = releaseIn(entry, policy)
      if (release) yield { release, index: bundle * TILE_WIDTH + at }
    }
  }
}

/** Anybody may write entries: what no accepted key signed as a release of pages says nothing. */
function releaseIn(entry: Uint8Array, policy: TrustPolicy): ConsoleRelease | undefined {
  try {
    return verifyRelease(parseDsse(entry), policy)
  } catch (error) {
    if (error instanceof SottoError) return undefined
    throw error
  }
}

function signedRelease(envelope: string, policy: TrustPolicy): ConsoleRelease {
  try {
    return verifyRelease(parseDsse(utf8(envelope)), policy)
  } catch (cause) {
    if (!(cause instanceof SottoError)) throw cause
    throw cliError('CLI_NOT_AUTHENTIC', 'no release key of the policy signed this release of pages', {
      found: cause.message,
      cause,
    })
  }
}

/** @throws `DSSE_*`, `JCS_*` */
function verifyRelease(envelope: DsseEnvelope, { releaseKeys }: TrustPolicy): ConsoleRelease {
  const { payload } = verifyDsse(envelope, PAYLOAD_TYPES.release, releaseKeys.map(fromBase64Url))
  return decodeDocument(payload, consoleReleaseDecoder, CONSOLE_RELEASE_PREDICATE)
}

/** @throws `CLI_REFUSED` for pages that a policy revokes */
export function refuseRevoked(digest: string, { revoked }: TrustPolicy): void {
  if (revoked.includes(digest))
    throw cliError('CLI_REFUSED', 'your policy revokes these pages', {
      found: digest,
      hint: 'take a newer release of them',
    })
}
