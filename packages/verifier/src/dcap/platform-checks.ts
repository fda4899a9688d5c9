import { toHex } from '@sotto/protocol/bytes'
import { Refusal, Skip, type Check } from '../checks/index.ts'
import type { DcapFacts, DcapFamily } from './facts.ts'
import { isZero } from './header.ts'

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

/** What stands behind a quote: nothing signs it, so that it must not carry anything. */
export function trailingChecks(family: DcapFamily): Check<DcapFacts>[] {
  return [
    {
      name: `${family}.trailing`,
      title: 'Nothing but padding follows the quote',
      needs: ['quote'],
      class: 'malformed',
      run({ quote: { trailing } }) {
        if (!isZero(trailing))
          throw new Refusal('unsigned bytes follow the quote', 'zeros', `${trailing.length} bytes`)
        return { found: `${trailing.length} bytes` }
      },
    },
  ]
}
