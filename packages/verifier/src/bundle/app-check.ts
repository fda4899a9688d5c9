import { describeApp } from '@sotto/protocol/keyrelease'
import { Refusal, Skip, type Check } from '../checks/index.ts'
import type { StepName } from '../policy/index.ts'
import type { Facts } from './facts.ts'
import { nameOf } from './releases.ts'

/**
 * An app gets requests in clear, of everybody, for as long as it runs. So the policy has to name it: one that names
 * none refuses every workload that runs one, whoever signed its release, and one that names some refuses every
 * workload that runs another, or none (T20).
 */
export const APP_CHECK: Check<Facts, StepName> = {
  name: 'keys.app',
  title: 'Whoever gets the content runs no app that the policy does not name',
  needs: ['workloads'],
  maySkip: true,
  run({ workloads, policy: { apps } }) {
    const expected = apps?.join(' or ') ?? 'no app'
    const found = new Set<string>()
    for (const [tuple, releases] of workloads) {
      for (const release of releases) {
        const { app } = release.predicate
        if (app === undefined) {
          if (apps === undefined) continue
          throw new Refusal(`tuple ${tuple}: ${nameOf(release)} runs no app`, expected, 'no app')
        }
        if (apps?.includes(app.sha256) !== true)
          throw new Refusal(
            `tuple ${tuple}: ${nameOf(release)} runs an app that the policy does not name`,
            expected,
            describeApp(app),
          )
        found.add(describeApp(app))
      }
    }
    if (apps === undefined) throw new Skip('no release runs an app, and the policy names none')
    return { expected, found: [...found].join(' or ') }
  },
}
