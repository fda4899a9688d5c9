import { toHex } from '@sotto/protocol/bytes'
import { Refusal, Skip, type Check } from '../checks/index.ts'
import type { SnpFacts } from './facts.ts'
import { decodeKeyFlags } from './fields.ts'
import { bitOf, GUEST_POLICY, minimumAbi, policyDefects, type PolicyDemand } from './guest.ts'
import type { GUEST_FEATURES, SevSnpPolicy } from './policy.ts'
import type { SnpReport } from './report.ts'

/** VMPL of a guest without a paravisor, and of the paravisor itself. */
const HIGHEST_PRIVILEGE: readonly number[] = [0]

/** The bit of POLICY, and its value, by which a guest demands a feature. */
const DEMANDS: Readonly<Record<(typeof GUEST_FEATURES)[number], PolicyDemand>> = {
  'smt-off': ['SMT', 0],
  'single-socket': ['SINGLE_SOCKET', 1],
  'cxl-off': ['CXL_ALLOW', 0],
  'mem-aes-256-xts': ['MEM_AES_256_XTS', 1],
  'rapl-off': ['RAPL_DIS', 1],
  'ciphertext-hiding': ['CIPHERTEXT_HIDING_DRAM', 1],
  'page-swap-off': ['PAGE_SWAP_DISABLE', 1],
}

/**
 * HOST_DATA of Azure Container Instances is the digest of the policy that the utility VM enforces on
 * its host. This one is of the published policy that lets the host start, read and change everything
 * (microsoft/azure-cleanroom, `--allow-all`): such a guest keeps no secret, whatever it measured. There
 * are other spellings of it; only a list of accepted HOST_DATA refuses them all.
 */
const ALLOW_ALL_CCE_POLICY = '73973b78d70cc68353426de188db5dfc57e5b766e399935fb73a61127ea26d20'

/** Made once: a stack trace for every list that a policy leaves out takes longer than all these checks. */
const NOTHING_LISTED = new Skip('the policy lists no accepted value')

/** Whether the guest keeps secrets from its host, and which program it is. */
export const GUEST_CHECKS: readonly Check<SnpFacts>[] = [
  {
    name: 'sev-snp.debug',
    title: 'The hypervisor cannot read the guest',
    needs: ['report'],
    class: 'debug',
    run({ report: { POLICY }, policy }) {
      if (bitOf(POLICY, GUEST_POLICY.DEBUG) === 1 && policy.allowDebug !== true)
        throw new Refusal('POLICY.DEBUG is 1', '0', '1')
    },
  },
  {
    name: 'sev-snp.guest-policy',
    title: 'The guest was launched under conditions that keep its secrets',
    needs: ['report'],
    class: 'guest-policy',
    run({ report: { POLICY }, policy }) {
      const defects = findDefects(POLICY, policy)
      if (defects.length > 0)
        throw new Refusal(defects.join('; '), undefined, `POLICY 0x${POLICY.toString(16)}`)
      return { found: `0x${POLICY.toString(16)}` }
    },
  },
  {
    name: 'sev-snp.vmpl',
    title: 'The report was asked for at an accepted privilege level',
    needs: ['report'],
    class: 'guest-policy',
    run({ report: { VMPL }, policy: { vmpls = HIGHEST_PRIVILEGE } }) {
      // 0xffffffff: the host asked for it, no guest.
      if (!vmpls.includes(VMPL)) throw new Refusal('VMPL is another', vmpls.join(' or '), `${VMPL}`)
      return { expected: vmpls.join(' or '), found: `${VMPL}` }
    },
  },
  allowList(
    'measurement',
    'The guest started as an accepted program',
    'MEASUREMENT',
    ({ measurements }) => measurements,
  ),
  {
    name: 'sev-snp.host-data',
    title: 'The guest runs under an accepted configuration',
    needs: ['report'],
    class: 'measurement',
    maySkip: true,
    run({ report: { HOST_DATA }, policy: { hostData } }) {
      const found = toHex(HOST_DATA)
      if (hostData === undefined && found === ALLOW_ALL_CCE_POLICY)
        throw new Refusal('HOST_DATA is of a policy that allows the host everything', undefined, found)
      requireListed('HOST_DATA', hostData, found)
    },
  },
  allowList(
    'family-id',
    'The owner gave the guest an accepted family',
    'FAMILY_ID',
    ({ familyIds }) => familyIds,
  ),
  allowList(
    'image-id',
    'The owner gave the guest an accepted image name',
    'IMAGE_ID',
    ({ imageIds }) => imageIds,
  ),
  allowList(
    'id-key',
    'An accepted key signed the identity of the guest',
    'ID_KEY_DIGEST',
    ({ idKeyDigests }) => idKeyDigests,
  ),
  {
    name: 'sev-snp.author-key',
    title: 'An accepted author key signed the identity key',
    needs: ['report'],
    class: 'measurement',
    maySkip: true,
    run({ report, policy: { authorKeyDigests } }) {
      // Without the flag the digest is not of a key that signed anything.
      if (authorKeyDigests !== undefined && decodeKeyFlags(report).authorKeyEnabled === 0)
        throw new Refusal('AUTHOR_KEY_EN is 0', '1', '0')
      requireListed('AUTHOR_KEY_DIGEST', authorKeyDigests, toHex(report.AUTHOR_KEY_DIGEST))
    },
  },
  {
    name: 'sev-snp.guest-svn',
    title: 'The guest is as new as the policy asks',
    needs: ['report'],
    class: 'measurement',
    run({ report: { GUEST_SVN }, policy: { minimumGuestSvn = 0 } }) {
      if (GUEST_SVN < minimumGuestSvn)
        throw new Refusal('GUEST_SVN is lower', `at least ${minimumGuestSvn}`, `${GUEST_SVN}`)
      return { found: `${GUEST_SVN}` }
    },
  },
]

function findDefects(POLICY: bigint, policy: SevSnpPolicy): string[] {
  const demands = (policy.requireGuest ?? []).map((feature) => DEMANDS[feature])
  if (policy.allowMigrationAgent !== true) demands.push(['MIGRATE_MA', 0])
  const defects = policyDefects(POLICY, [['RESERVED_ONE', 1], ...demands])
  const { minimumAbi: floor } = policy
  if (floor !== undefined) {
    const { major, minor } = minimumAbi(POLICY)
    if (major < floor.major || (major === floor.major && minor < floor.minor))
      defects.push(`POLICY.ABI is ${major}.${minor}, expected at least ${floor.major}.${floor.minor}`)
  }
  return defects
}

/** A check that one field of the report is on a list of the policy. */
function allowList(
  name: string,
  title: string,
  field: 'MEASUREMENT' | 'FAMILY_ID' | 'IMAGE_ID' | 'ID_KEY_DIGEST',
  listed: (policy: SevSnpPolicy) => readonly string[] | undefined,
): Check<SnpFacts> {
  return {
    name: `sev-snp.${name}`,
    title,
    needs: ['report'],
    class: 'measurement',
    maySkip: true,
    run: ({ report, policy }) => requireListed(field, listed(policy), toHex(fieldOf(report, field))),
  }
}

function fieldOf(report: SnpReport, field: Parameters<typeof allowList>[2]): Uint8Array {
  return report[field]
}

function requireListed(
  field: string,
  listed: readonly string[] | undefined,
  found: string,
): { found: string } {
  if (listed === undefined) throw NOTHING_LISTED
  if (!listed.includes(found))
    throw new Refusal(`${field} is not accepted`, listed.slice(0, 8).join(' or '), found)
  return { found }
}
