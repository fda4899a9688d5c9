import { type IndexEntry, isManifestType } from '@sotto/protocol/oci'
import { cliError } from '../errors.ts'

/**
 * The image for Linux on an architecture, of those in an index. Entries for no platform, like attestations of a build, are
 * no images.
 * @throws `IMAGE_UNSUPPORTED` where there is not exactly one
 */
export function selectPlatform(entries: readonly IndexEntry[], architecture = 'amd64'): IndexEntry {
  const fitting = entries.filter(
    ({ mediaType, platform }) =>
      isManifestType(mediaType) &&
      platform?.os === 'linux' &&
      platform.architecture === architecture &&
      // The only variant of arm64 there is; amd64 has none but levels that need not be there.
      (platform.variant === undefined || (architecture === 'arm64' && platform.variant === 'v8')),
  )
  const [only] = fitting
  if (only !== undefined && fitting.length === 1) return only
  const platforms = entries.flatMap(({ platform }) =>
    platform ? [[platform.os, platform.architecture, platform.variant].filter(Boolean).join('/')] : [],
  )
  throw cliError('IMAGE_UNSUPPORTED', `the index has not one image for linux/${architecture}`, {
    expected: `linux/${architecture}`,
    found: platforms.join(', ') || 'none',
  })
}
