import { describe, expect, it } from 'vitest'
import { fakeMaa, SNP_CLAIMS } from '@sotto/testkit/tokens'
import { FAKE_NOW } from '@sotto/testkit/x509'
import type { EvidenceVerdict } from '@sotto/verifier/family'
import { type AzureMaaPolicy, verifyAzureMaa } from '@sotto/verifier/maa'

const maa = fakeMaa()
const judge = (claims: Record<string, unknown> = {}, policy: AzureMaaPolicy = {}): EvidenceVerdict =>
  verifyAzureMaa({
    trustKeySets: true,
    evidence: maa.token({ claims }),
    collateral: { keys: maa.jwks() },
    at: FAKE_NOW,
    policy,
  })
const failed = ({ steps }: EvidenceVerdict): Record<string, string | undefined> =>
  Object.fromEntries(steps.filter(({ status }) => status === 'fail').map((step) => [step.name, step.class]))
const none = Object.fromEntries(Object.keys(SNP_CLAIMS).map((name) => [name, undefined]))
const tdx = {
  ...none,
  'x-ms-attestation-type': 'tdxvm',
  tdx_td_attributes_debug: false,
  tdx_mrtd: 'ef'.repeat(48),
}

describe('hardware', () => {
  it('is of a kind that keeps secrets from its operator', () => {
    expect(judge(SNP_CLAIMS).acceptable).toBe(true)
    expect(judge(tdx).acceptable).toBe(true)
    for (const type of ['tpm', 'azurevm', 'SGX', '', undefined, 7])
      expect(failed(judge({ 'x-ms-attestation-type': type }))).toMatchObject({ 'azure-maa.tee': 'hardware' })
  })

  it('is what the policy names', () => {
    expect(judge({}, { tees: ['sgx'] }).acceptable).toBe(true)
    expect(failed(judge({}, { tees: ['tdxvm'] }))).toEqual({ 'azure-maa.tee': 'hardware' })
  })
})

describe('debugging', () => {
  const debug = { 'azure-maa.debug': 'debug' }

  it.each([
    ['sgx', {}, 'x-ms-sgx-is-debuggable'],
    ['sevsnpvm', SNP_CLAIMS, 'x-ms-sevsnpvm-is-debuggable'],
    ['tdxvm', tdx, 'tdx_td_attributes_debug'],
  ])('must be off for %s, and absent is not off', (_type, claims, name) => {
    for (const value of [true, undefined, null, 'false', 0]) {
      const verdict = judge({ ...claims, [name]: value })
      expect(failed(verdict)).toEqual(debug)
      expect(verdict).toMatchObject({ authentic: true, acceptable: false, reason: 'debug' })
      expect(judge({ ...claims, [name]: value }, { allowDebug: true }).acceptable).toBe(true)
    }
  })

  it('is not off because the claim of other hardware says so', () => {
    const claims = {
      ...SNP_CLAIMS,
      'x-ms-sevsnpvm-is-debuggable': undefined,
      'x-ms-sgx-is-debuggable': false,
    }
    expect(failed(judge(claims))).toEqual(debug)
  })

  it.each([
    ['is-debuggable', true],
    ['x-ms-azurevm-kerneldebug-enabled', true],
    ['x-ms-azurevm-bootdebug-enabled', 'yes'],
    ['x-ms-azurevm-debuggersdisabled', false],
    ['dbgstat', 'enabled'],
    ['dbgstat', false],
  ])('must be off everywhere: %s', (name, value) => {
    expect(failed(judge({ ...SNP_CLAIMS, [name]: value }))).toEqual(debug)
  })

  it('may be said to be off in several ways', () => {
    const claims = { 'is-debuggable': false, 'x-ms-azurevm-kerneldebug-enabled': false, dbgstat: 'disabled' }
    expect(judge({ ...tdx, ...claims }).acceptable).toBe(true)
  })
})

describe('an SNP guest', () => {
  const policy = { 'azure-maa.guest-policy': 'guest-policy' }

  it('cannot be moved and runs at the highest privilege level', () => {
    for (const value of [true, undefined, 'false'])
      expect(failed(judge({ ...SNP_CLAIMS, 'x-ms-sevsnpvm-migration-allowed': value }))).toEqual(policy)
    for (const value of [1, undefined, '0'])
      expect(failed(judge({ ...SNP_CLAIMS, 'x-ms-sevsnpvm-vmpl': value }))).toEqual(policy)
  })

  it('may do so where the policy allows it', () => {
    const moved = { ...SNP_CLAIMS, 'x-ms-sevsnpvm-migration-allowed': true, 'x-ms-sevsnpvm-vmpl': 2 }
    expect(judge(moved, { allowMigration: true, vmpls: [2] }).acceptable).toBe(true)
  })
})

describe('the program', () => {
  const measured = (policy: AzureMaaPolicy, claims: Record<string, unknown> = {}): void =>
    expect(failed(judge(claims, policy))).toEqual({ 'azure-maa.measurement': 'measurement' })

  it.each<[string, AzureMaaPolicy, AzureMaaPolicy, Record<string, unknown>]>([
    ['mrEnclaves', { mrEnclaves: ['ab'.repeat(32)] }, { mrEnclaves: ['00'.repeat(32)] }, {}],
    ['mrSigners', { mrSigners: ['cd'.repeat(32)] }, { mrSigners: ['ab'.repeat(32)] }, {}],
    ['productIds', { productIds: [1, 2] }, { productIds: [2] }, {}],
    ['minimumSvn', { minimumSvn: 2 }, { minimumSvn: 3 }, {}],
    [
      'launchMeasurements',
      { launchMeasurements: ['ab'.repeat(48)] },
      { launchMeasurements: ['00'.repeat(48)] },
      SNP_CLAIMS,
    ],
    ['hostData', { hostData: ['cd'.repeat(32)] }, { hostData: ['00'.repeat(32)] }, SNP_CLAIMS],
    ['mrTds', { mrTds: ['ef'.repeat(48)] }, { mrTds: ['00'.repeat(48)] }, tdx],
  ])('is compared by %s', (_name, right, wrong, claims) => {
    expect(judge(claims, right).acceptable).toBe(true)
    measured(wrong, claims)
  })

  it('is not accepted by a list about other hardware', () => {
    measured({ mrEnclaves: ['ab'.repeat(32)] }, SNP_CLAIMS)
    measured({ minimumSvn: 0 }, SNP_CLAIMS)
    measured({ mrTds: ['ef'.repeat(48)] })
  })
})

describe('what Azure found', () => {
  it('is that firmware was up to date, where it says so', () => {
    expect(judge({ ...tdx, attester_tcb_status: 'UpToDate' }).acceptable).toBe(true)
    for (const status of ['OutOfDate', null, ''])
      expect(failed(judge({ ...tdx, attester_tcb_status: status }))).toEqual({ 'azure-maa.tcb': 'tcb' })
    const policy = { tcbStatuses: ['SWHardeningNeeded'] }
    expect(judge({ ...tdx, attester_tcb_status: 'SWHardeningNeeded' }, policy).acceptable).toBe(true)
  })

  it('is that it is compliant, where the policy asks', () => {
    expect(judge(SNP_CLAIMS, { complianceStatuses: ['azure-compliant-uvm'] }).acceptable).toBe(true)
    const step = { 'azure-maa.compliance': 'guest-policy' }
    expect(failed(judge(SNP_CLAIMS, { complianceStatuses: ['azure-compliant-cvm'] }))).toEqual(step)
    expect(failed(judge({}, { complianceStatuses: ['azure-compliant-cvm'] }))).toEqual(step)
  })
})

it('shows everything that is wrong at once', () => {
  const claims = {
    ...SNP_CLAIMS,
    'x-ms-sevsnpvm-is-debuggable': true,
    'x-ms-sevsnpvm-vmpl': 3,
    exp: FAKE_NOW,
  }
  expect(failed(judge(claims, { hostData: ['00'.repeat(32)], nonces: ['n'] }))).toEqual({
    'azure-maa.validity': 'expired',
    'azure-maa.debug': 'debug',
    'azure-maa.guest-policy': 'guest-policy',
    'azure-maa.measurement': 'measurement',
    'azure-maa.nonce': 'binding',
  })
})
