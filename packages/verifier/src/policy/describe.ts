import { describeDataUse } from '@sotto/protocol/data-use'
import { type Component, FAMILY_REGISTRY } from '../appraisal/index.ts'
import { acceptsSoftware } from './parse.ts'
import { REQUIRED_BY_CHOICE } from './steps.ts'
import type { TrustPolicy } from './types.ts'

/** What a policy accepts, in sentences for screens, most far-reaching first. */
export function describeTrustPolicy(policy: TrustPolicy): string[] {
  const {
    apps,
    dataUse,
    genesis,
    releaseKeys,
    revoked,
    minSecurityVersion,
    log,
    witnesses,
    platforms,
    kems,
  } = policy
  const skippable = REQUIRED_BY_CHOICE.filter((name) => !policy.require.includes(name))
  const counted = witnesses.keys.filter(({ operator }) => !operator || witnesses.allowOperatorWitnesses)
  return [
    acceptsSoftware(policy)
      ? 'Accepts a software TEE: nothing is hidden from the owner of the machine it runs on.'
      : `Accepts hardware of ${platforms.map(({ allOf }) => allOf.map(titleOf).join(' with ')).join(', or ')}.`,
    `Accepts one KMS: genesis ${genesis}.`,
    `Accepts releases signed by any of ${count(releaseKeys.length, 'release key')}, ` +
      `security version at least ${minSecurityVersion.kms} (kms) and ${minSecurityVersion.inference} (inference), ` +
      `${count(revoked.length, 'digest')} revoked.`,
    `Needs the log ${log.origin} and ${witnesses.quorum} of ${count(counted.length, 'witness', 'witnesses')}: ` +
      `${[...new Set(counted.map(({ organisation }) => organisation))].join(', ') || 'none'}.`,
    ...(witnesses.allowOperatorWitnesses
      ? ['Lets witnesses of the operator count: a split view of the log would go unnoticed.']
      : []),
    `Requires ${count(policy.require.length, 'step')} to pass; ` +
      `${skippable.length > 0 ? `${skippable.join(', ')} may be skipped, with a reason` : 'none may be skipped'}.`,
    ...(dataUse === undefined
      ? ['Does not ask what content is used for.']
      : [`Accepts use of content for: ${describeDataUse(dataUse)}.`]),
    apps === undefined
      ? 'Refuses a service that runs an app beside its models.'
      : `Accepts only a service that runs an app whose code has digest ${apps.join(' or ')}: the app sees requests.`,
    `Sends to ${kems.join(' or ')} keys, most preferred first.`,
    `Evidence is at most ${policy.evidenceMaxAgeSeconds} s old, the log at most ${policy.checkpointMaxAgeSeconds} s.`,
  ]
}

function titleOf({ family }: Component): string {
  return FAMILY_REGISTRY.get(family)!.title
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`
}
