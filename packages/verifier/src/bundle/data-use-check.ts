import { describeDataUse, findDataUseExcess } from '@sotto/protocol/data-use'
import { Refusal, Skip, type Check } from '../checks/index.ts'
import type { StepName } from '../policy/index.ts'
import type { Facts } from './facts.ts'
import { nameOf } from './releases.ts'

/**
 * What a release declares is as good as the code that was released: the declaration is signed with it and logged,
 * so whoever declares less than the code does can be held to it (T20).
 */
export const DATA_USE_CHECK: Check<Facts, StepName> = {
  name: 'keys.data-use',
  title: 'Whoever gets the content declares a use of it that the policy accepts',
  needs: ['workloads'],
  maySkip: true,
  run({ workloads, policy: { dataUse: accepted } }) {
    if (accepted === undefined) throw new Skip('the policy does not ask what content is used for')
    const expected = describeDataUse(accepted)
    const found = new Set<string>()
    for (const [tuple, releases] of workloads) {
      for (const release of releases) {
        const { dataUse } = release.predicate
        if (dataUse === undefined)
          throw new Refusal(`tuple ${tuple}: ${nameOf(release)} declares no data use`, expected, 'nothing')
        const excess = findDataUseExcess(dataUse, accepted)
        if (excess !== undefined)
          throw new Refusal(
            `tuple ${tuple}: ${nameOf(release)} ${excess}`,
            expected,
            describeDataUse(dataUse),
          )
        found.add(describeDataUse(dataUse))
      }
    }
    return { expected, found: [...found].join(' or ') }
  },
}
