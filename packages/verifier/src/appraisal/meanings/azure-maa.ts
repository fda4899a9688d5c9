import { type AzureMaaPolicy, MAA_TEES } from '../../maa/policy.ts'
import type { MeaningsOf } from '../meaning.ts'

/** What members of a policy for tokens of Azure Attestation mean. */
export const AZURE_MAA_MEANINGS: MeaningsOf<AzureMaaPolicy> = {
  issuers: { is: 'allow', what: 'issuer', absent: 'any', pins: 'service' },
  signingKeys: { is: 'allow', what: 'signing key', absent: 'any', pins: 'service' },
  requireSigningKeyQuote: { is: 'require', what: 'a quote about the signing key' },
  tees: { is: 'allow', what: 'kind of hardware', absent: MAA_TEES },
  allowDebug: { is: 'permit', what: 'debug mode', code: 'debug' },
  allowMigration: {
    is: 'permit',
    what: 'guests whose secrets a migration agent can move to another machine',
    code: 'migration',
  },
  vmpls: { is: 'allow', what: 'VMPL', absent: [0], code: 'vmpl' },
  tcbStatuses: { is: 'allow', what: 'TCB status', absent: ['UpToDate'], code: 'tcb-status' },
  complianceStatuses: { is: 'allow', what: 'compliance status', absent: 'any' },
  policyHashes: { is: 'allow', what: 'hash of the attestation policy', absent: 'any' },
  mrEnclaves: { is: 'allow', what: 'MRENCLAVE', absent: 'any', pins: 'program' },
  mrSigners: { is: 'allow', what: 'MRSIGNER', absent: 'any', pins: 'program' },
  productIds: { is: 'allow', what: 'product id', absent: 'any' },
  minimumSvn: { is: 'floor', what: 'SVN of the enclave' },
  launchMeasurements: { is: 'allow', what: 'launch measurement', absent: 'any', pins: 'program' },
  hostData: { is: 'allow', what: 'host data', absent: 'any', pins: 'configuration' },
  mrTds: { is: 'allow', what: 'MRTD', absent: 'any', pins: 'program' },
  nonces: { is: 'allow', what: 'nonce', absent: 'any' },
  userData: { is: 'allow', what: 'user-data', absent: 'any' },
  maxAgeSeconds: { is: 'ceiling', what: 'tokens with an age', unit: 'seconds' },
  clockSkewSeconds: { is: 'ceiling', what: 'clocks apart', absent: 0, unit: 'seconds', code: 'clock-skew' },
}
