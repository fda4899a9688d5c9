import { toHex } from '@sotto/protocol/bytes'
import { Refusal, Skip, type Check } from '../checks/index.ts'
import type { SnpFacts } from './facts.ts'
import { firmwareText } from './fields.ts'
import { bitOf, PLATFORM_INFO } from './guest.ts'
import type { PLATFORM_FEATURES } from './policy.ts'
import { isZero } from './report.ts'
import { belowFloor, decodeTcb, tcbBytes, tcbText, type TcbVersion } from './tcb.ts'

/** Feed and purpose of the utility VM of Azure Container Instances. */
const ACI_FEED = 'ContainerPlat-AMD-UVM'
const ACI_EKU = '1.3.6.1.4.1.311.76.59.1.2'

/** The bit of PLATFORM_INFO, and its value, that says that the machine is in a state. */
const STATES: Readonly<
  Record<(typeof PLATFORM_FEATURES)[number], readonly [keyof typeof PLATFORM_INFO, 0 | 1]>
> = {
  'smt-off': ['SMT_EN', 0],
  tsme: ['TSME_EN', 1],
  ecc: ['ECC_EN', 1],
  'rapl-off': ['RAPL_DIS', 1],
  'ciphertext-hiding': ['CIPHERTEXT_HIDING_DRAM_EN', 1],
}

/** TCB versions of a report that must reach the floor: what the certificate says, what cannot be undone, what the guest was launched under. */
const FLOORED = ['REPORTED_TCB', 'COMMITTED_TCB', 'LAUNCH_TCB'] as const

/** Made once: a stack trace for each takes longer than all these checks. */
const NOT_ASKED = new Skip('the policy does not ask for it')
const OF_A_CHIP = new Skip('the key is of a chip')

/** Whether the machine, its firmware and the vouchers for it are what the policy asks. */
export const PLATFORM_CHECKS: readonly Check<SnpFacts>[] = [
  {
    name: 'sev-snp.uvm-measurement',
    title: 'Microsoft endorses the measurement, as a utility VM that is new enough',
    needs: ['collateral'],
    class: 'measurement',
    maySkip: true,
    run({ uvm, collateral, policy }: SnpFacts) {
      if (uvm === undefined) {
        if (policy.uvm === undefined || collateral.endorsements.length > 0) throw NOT_ASKED
        throw new Refusal('no endorsement was given', 'one of Microsoft', 'none', 'collateral-missing')
      }
      const { feed = ACI_FEED, eku = ACI_EKU, minimumSvn = 0 } = policy.uvm ?? {}
      if (uvm.feed !== feed) throw new Refusal('endorsed as another kind of utility VM', feed, uvm.feed)
      if (uvm.eku !== eku) throw new Refusal('endorsed by a signer for another purpose', eku, uvm.eku)
      if (uvm.svn < minimumSvn)
        throw new Refusal('the utility VM is older', `security version ${minimumSvn}`, `${uvm.svn}`)
      return { expected: `${feed} ${minimumSvn}`, found: `${uvm.feed} ${uvm.svn}` }
    },
  },
  {
    name: 'sev-snp.platform-info',
    title: 'The machine is configured as the policy asks',
    needs: ['report'],
    class: 'guest-policy',
    run({ report: { PLATFORM_INFO: info }, policy: { requirePlatform = [] } }) {
      const wrong = requirePlatform.filter((feature) => {
        const [bit, value] = STATES[feature]
        return bitOf(info, PLATFORM_INFO[bit]) !== value
      })
      if (wrong.length > 0)
        throw new Refusal('PLATFORM_INFO says otherwise', wrong.join(', '), `0x${info.toString(16)}`)
      return { found: `0x${info.toString(16)}` }
    },
  },
  {
    name: 'sev-snp.revocation-known',
    title: 'A CRL of AMD is about the chain, where the policy asks for one',
    needs: ['chain'],
    class: 'collateral-missing',
    maySkip: true,
    run({ revocation, policy }) {
      if (policy.requireRevocation !== true) throw NOT_ASKED
      if ((revocation as SnpFacts['revocation'])?.isIssuerCovered !== true)
        throw new Refusal('no usable CRL of the root was given', 'a CRL', 'none')
    },
  },
  {
    name: 'sev-snp.tcb',
    title: 'The firmware is as new as the policy asks, at launch too',
    needs: ['report', 'product'],
    class: 'tcb',
    maySkip: true,
    run({ report, product, policy: { minimumTcb } }) {
      if (minimumTcb === undefined) throw NOT_ASKED
      const floor = minimumTcb[product]
      if (floor === undefined)
        throw new Refusal('the policy names no floor for this product', undefined, product)
      const low = FLOORED.flatMap((field) => {
        const tcb = decodeTcb(product, report[field])
        const names = belowFloor(tcb, floor)
        return names.length === 0 ? [] : [`${field} has ${tcbText(pick(tcb, names))}`]
      })
      if (low.length > 0) throw new Refusal('firmware is too old', tcbText(floor), low.join('; '))
      return { expected: tcbText(floor), found: tcbText(decodeTcb(product, report.REPORTED_TCB)) }
    },
  },
  {
    name: 'sev-snp.committed',
    title: 'The firmware that runs cannot be replaced by an older one',
    needs: ['report'],
    class: 'tcb',
    run({ report, policy }) {
      if (policy.allowProvisionalFirmware === true) return
      const [current, committed] = [firmwareText(report.CURRENT), firmwareText(report.COMMITTED)]
      if (current !== committed) throw new Refusal('firmware is not committed', committed, current)
      const [running, lasting] = [
        withoutMicrocode(report.CURRENT_TCB),
        withoutMicrocode(report.COMMITTED_TCB),
      ]
      if (running !== lasting) throw new Refusal('firmware is not committed', lasting, running)
      return { found: current }
    },
  },
  {
    name: 'sev-snp.alias-check',
    title: 'The firmware looked for aliased memory at boot, where the policy asks for it',
    needs: ['report'],
    class: 'tcb',
    maySkip: true,
    run({ report: { PLATFORM_INFO: info }, policy: { requireAliasCheck } }) {
      if (requireAliasCheck !== true) throw NOT_ASKED
      if (bitOf(info, PLATFORM_INFO.ALIAS_CHECK_COMPLETE) === 0)
        throw new Refusal('ALIAS_CHECK_COMPLETE is 0 (BadRAM)', '1', '0')
    },
  },
  {
    name: 'sev-snp.chip',
    title: 'The chip is one that the policy accepts',
    needs: ['report'],
    class: 'hardware',
    maySkip: true,
    run({ report: { CHIP_ID }, policy: { chipIds } }) {
      if (chipIds === undefined) throw NOT_ASKED
      const found = toHex(CHIP_ID)
      if (isZero(CHIP_ID)) throw new Refusal('the report names no chip', 'an accepted chip', found)
      if (!chipIds.includes(found))
        throw new Refusal('the chip is not accepted', `one of ${chipIds.length}`, found)
      return { found }
    },
  },
  {
    name: 'sev-snp.provider',
    title: 'A key of a cloud provider (VLEK) is of one that the policy accepts',
    needs: ['key'],
    class: 'hardware',
    maySkip: true,
    run({ key: { cspId }, policy: { cspIds } }) {
      if (cspId === undefined) throw OF_A_CHIP
      if (cspIds !== undefined && !cspIds.includes(cspId))
        throw new Refusal('the cloud provider is not accepted', cspIds.join(' or '), cspId)
      return { found: cspId }
    },
  },
]

/**
 * Components that a commit makes lasting; microcode is the last byte for every product. It is not
 * compared: hosts load a newer one at run time and leave it uncommitted, which takes nothing away from
 * what COMMITTED_TCB guarantees.
 */
function withoutMicrocode(tcb: bigint): string {
  return toHex(tcbBytes(tcb).subarray(0, 7))
}

function pick(tcb: TcbVersion, names: readonly (keyof TcbVersion)[]): Partial<TcbVersion> {
  return Object.fromEntries(names.map((name) => [name, tcb[name] ?? 0]))
}
