import { toHex } from '@sotto/protocol/bytes'
import { Refusal, Skip, type Check } from '../checks/index.ts'
import type { DcapFacts, DcapFamily } from './facts.ts'

/** Which machines a policy accepts. */
export function hardwareChecks(family: DcapFamily): Check<DcapFacts>[] {
  return [
    {
      name: `${family}.hardware`,
      title: 'The platform is one of the accepted ones',
      needs: ['pck'],
      class: 'hardware',
      maySkip: true,
      run({ pck, policy: { ppids, platformInstanceIds, fmspcs } }) {
        const lists = [
          ['PPID', ppids, pck.ppid],
          ['platform instance id', platformInstanceIds, pck.platformInstanceId],
          ['FMSPC', fmspcs, pck.fmspc],
        ] as const
        if (lists.every(([, accepted]) => accepted === undefined)) throw new Skip('the policy names none')
        for (const [name, accepted, bytes] of lists) {
          const found = bytes ? toHex(bytes) : 'none'
          if (accepted && !accepted.includes(found))
            throw new Refusal(`${name} is not accepted`, accepted.join(' or '), found)
        }
      },
    },
  ]
}
