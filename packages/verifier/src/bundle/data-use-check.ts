import { type AcceptedDataUse, describeDataUse, findDataUseExcess } from '@sotto/protocol/data-use'
import type { ReleaseStatement } from '@sotto/protocol/keyrelease'
import { Refusal, Skip, type Check } from '../checks/index.ts'
import type { StepName } from '../policy/index.ts'
import type { Facts } from './facts.ts'
import { nameOf } from './releases.ts'

/**
 * What a release declares is as good as the code that was released: the declaration is signed with it and logged,
 * so whoever declares less than the code does can be held to it. Every role declares: who gets requests, rooms, which
 * get content by contract, and the KMS, which gets none (T20).
 */
export const DATA_USE_CHECK: Check<Facts, StepName> = {
  name: 'keys.data-use',
  title: 'Whoever gets the content declares a use of it that the policy accepts',
  needs: ['kmsRelease', 'workloads', 'rooms', 'successors'],
  maySkip: true,
  run({ kmsRelease, workloads, rooms, successors, policy: { dataUse: accepted } }) {
    if (accepted === undefined) throw new Skip('the policy does not ask what content is used for')
    requireDeclared(kmsRelease, '', accepted)
    requireEach(successors, accepted)
    const found = requireEach(workloads, accepted).join(' or ')
    const inRooms = requireEach(rooms, accepted).join(' or ')
    return {
      expected: describeDataUse(accepted),
      found: inRooms === '' ? found : `${found}; in rooms ${inRooms}`,
    }
  },
}

/** Every use that releases of these tuples declare, in words and each once. @throws Refusal */
function requireEach(
  tuples: ReadonlyMap<string, readonly ReleaseStatement[]>,
  accepted: AcceptedDataUse,
): string[] {
  const found = [...tuples].flatMap(([tuple, releases]) =>
    releases.map((release) => requireDeclared(release, `tuple ${tuple}: `, accepted)),
  )
  return [...new Set(found)]
}

function requireDeclared(release: ReleaseStatement, where: string, accepted: AcceptedDataUse): string {
  const { dataUse } = release.predicate
  const expected = describeDataUse(accepted)
  if (dataUse === undefined)
    throw new Refusal(`${where}${nameOf(release)} declares no data use`, expected, 'nothing')
  const found = describeDataUse(dataUse)
  const excess = findDataUseExcess(dataUse, accepted)
  if (excess !== undefined) throw new Refusal(`${where}${nameOf(release)} ${excess}`, expected, found)
  return found
}
