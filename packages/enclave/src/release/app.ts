import { describeApp, isSameApp, type ReleasedApp, type ReleaseStatement } from '@sotto/protocol/keyrelease'
import { releaseError } from './errors.ts'

/**
 * The app that people are told gets their words is the one that the measured configuration runs: every release
 * statement that covers this enclave names it, and none names one where none runs (T20).
 * @param releases all that cover the tuple of our receipt
 * @param configured name and SHA-256 of the code; undefined where no app runs
 * @throws `RELEASE_APP`, `RELEASE_INVALID`
 */
export function requireSameApp(
  releases: readonly ReleaseStatement[] | undefined,
  configured: ReleasedApp | undefined,
): void {
  if (releases === undefined)
    throw releaseError('RELEASE_INVALID', 'the receipt names a tuple that the policy does not have')
  for (const { predicate } of releases) {
    if (isSameApp(predicate.app, configured)) continue
    throw releaseError('RELEASE_APP', 'the release names another app than the configuration', {
      expected: configured === undefined ? 'none' : describeApp(configured),
      found: predicate.app === undefined ? 'none' : describeApp(predicate.app),
    })
  }
}
