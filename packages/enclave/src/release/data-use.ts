import { type DataUse, describeDataUse, isSameDataUse } from '@sotto/protocol/data-use'
import type { ReleaseStatement } from '@sotto/protocol/keyrelease'
import { releaseError } from './errors.ts'

/**
 * What people are told this enclave does with their words is what its measured configuration lets it do: every
 * release statement that covers it says the same (T20).
 * @param releases all that cover the tuple of our receipt
 * @throws `RELEASE_DATA_USE`, `RELEASE_INVALID`
 */
export function requireSameDataUse(
  releases: readonly ReleaseStatement[] | undefined,
  configured: DataUse | undefined,
): void {
  if (releases === undefined)
    throw releaseError('RELEASE_INVALID', 'the receipt names a tuple that the policy does not have')
  for (const { predicate } of releases) {
    const { dataUse } = predicate
    if (dataUse === configured) continue
    if (dataUse !== undefined && configured !== undefined && isSameDataUse(dataUse, configured)) continue
    throw releaseError('RELEASE_DATA_USE', 'the release declares another data use than the configuration', {
      expected: configured === undefined ? 'none' : describeDataUse(configured),
      found: dataUse === undefined ? 'none' : describeDataUse(dataUse),
    })
  }
}
