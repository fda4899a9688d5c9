import type { SevSnpPolicy } from '../../snp/index.ts'
import type { Members, MeaningsOf } from '../meaning.ts'

const FLOOR: Members = {
  fmc: { is: 'floor', what: 'FMC' },
  bl: { is: 'floor', what: 'boot loader' },
  tee: { is: 'floor', what: 'TEE' },
  snp: { is: 'floor', what: 'SNP firmware' },
  ucode: { is: 'floor', what: 'microcode' },
}

const UVM: Members = {
  feed: { is: 'allow', what: 'feed', absent: ['ContainerPlat-AMD-UVM'], code: 'uvm', single: true },
  minimumSvn: { is: 'floor', what: 'security version', absent: 0 },
  eku: {
    is: 'allow',
    what: 'purpose of the signer',
    absent: ['1.3.6.1.4.1.311.76.59.1.2'],
    code: 'uvm',
    single: true,
  },
}

/** What members of a policy for SEV-SNP mean, in the words of the ABI. */
export const SNP_MEANINGS: MeaningsOf<SevSnpPolicy> = {
  allowDebug: { is: 'permit', what: 'guests in debug mode, which the hypervisor can read', code: 'debug' },
  allowMigrationAgent: {
    is: 'permit',
    what: 'guests whose secrets a migration agent can move to another machine',
    code: 'migration',
  },
  vmpls: { is: 'allow', what: 'VMPL', absent: [0], code: 'vmpl' },
  minimumAbi: { is: 'floor', what: 'firmware ABI that the guest demands', order: ['major', 'minor'] },
  requireGuest: { is: 'demand', what: 'guest feature' },
  requirePlatform: { is: 'demand', what: 'machine state' },
  requireAliasCheck: {
    is: 'require',
    what: 'a check for aliased memory at boot (BadRAM)',
    open: { code: 'no-alias-check', text: 'admits machines that never looked for aliased memory (BadRAM)' },
  },
  measurements: { is: 'allow', what: 'MEASUREMENT', absent: 'any', pins: 'program' },
  hostData: { is: 'allow', what: 'HOST_DATA', absent: 'any', pins: 'configuration' },
  familyIds: { is: 'allow', what: 'FAMILY_ID', absent: 'any' },
  imageIds: { is: 'allow', what: 'IMAGE_ID', absent: 'any' },
  idKeyDigests: { is: 'allow', what: 'ID_KEY_DIGEST', absent: 'any', pins: 'program' },
  authorKeyDigests: { is: 'allow', what: 'AUTHOR_KEY_DIGEST', absent: 'any', pins: 'program' },
  minimumGuestSvn: { is: 'floor', what: 'GUEST_SVN', absent: 0 },
  uvm: {
    is: 'parts',
    what: 'an endorsement of the measurement by Microsoft',
    presence: 'demand',
    pins: 'program',
    members: UVM,
  },
  minimumTcb: {
    is: 'keyed',
    what: 'product',
    others: 'refused',
    members: FLOOR,
    open: { code: 'no-tcb-floor', text: 'admits every firmware that AMD certified, old ones too' },
  },
  allowProvisionalFirmware: {
    is: 'permit',
    what: 'firmware that is not committed and can be replaced by an older one',
    code: 'provisional-firmware',
  },
  requireRevocation: { is: 'require', what: 'a revocation list of AMD' },
  chipIds: { is: 'allow', what: 'CHIP_ID', absent: 'any', pins: 'chip' },
  cspIds: { is: 'allow', what: 'cloud provider of a VLEK', absent: 'any' },
}
