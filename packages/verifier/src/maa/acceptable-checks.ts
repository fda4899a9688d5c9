import { type JsonObject, member, numericDate } from '@sotto/protocol/jose'
import type { JsonValue } from '@sotto/protocol/jcs'
import { type Check, Refusal, Skip } from '../checks/index.ts'
import { earlier } from '../family/index.ts'
import type { MaaFacts } from './facts.ts'
import { MAA_TEES, type MaaTee } from './policy.ts'
import { objectOf, type TeeClaims, textClaim } from './token.ts'

/** The claim that says whether somebody outside can look in. */
const DEBUG_CLAIMS: Readonly<Record<MaaTee, string>> = {
  sgx: 'x-ms-sgx-is-debuggable',
  sevsnpvm: 'x-ms-sevsnpvm-is-debuggable',
  tdxvm: 'tdx_td_attributes_debug',
}

/** Lists of the policy with the claim that each is about. */
const MEASURED = {
  mrEnclaves: 'x-ms-sgx-mrenclave',
  mrSigners: 'x-ms-sgx-mrsigner',
  productIds: 'x-ms-sgx-product-id',
  launchMeasurements: 'x-ms-sevsnpvm-launchmeasurement',
  hostData: 'x-ms-sevsnpvm-hostdata',
  mrTds: 'tdx_mrtd',
} as const

/** Whether a genuine token is one that the policy accepts. */
export const acceptableChecks: readonly Check<MaaFacts>[] = [
  {
    name: 'azure-maa.tee',
    title: 'It is about hardware that keeps secrets from its operator, and that the policy accepts',
    needs: ['token'],
    class: 'hardware',
    run({ token: { tee }, policy }) {
      const accepted: readonly string[] = policy.tees ?? MAA_TEES
      const found = tee.type ?? 'none'
      if (!accepted.includes(found))
        throw new Refusal('the hardware is another', accepted.join(' or '), found)
      return { found }
    },
  },
  {
    name: 'azure-maa.debug',
    title: 'Nobody outside can look in with a debugger',
    needs: ['token'],
    class: 'debug',
    run({ token, policy }) {
      const found = [
        ...findDebugClaims(token.tee),
        ...findOpenClaims(token.claims),
        ...findOpenClaims(token.tee.claims),
      ]
      const text = [...new Set(found)].join(', ') || 'closed'
      if (found.length > 0 && policy.allowDebug !== true)
        throw new Refusal('it can be debugged', 'debugging is off, and the token says so', text)
      return { found: text }
    },
  },
  {
    name: 'azure-maa.guest-policy',
    title: 'A guest runs at the highest privilege level and cannot be moved to another machine',
    needs: ['token'],
    class: 'guest-policy',
    maySkip: true,
    run({ token: { tee }, policy }) {
      if (tee.type !== 'sevsnpvm') throw new Skip('the hardware has no such settings')
      const migration = member(tee.claims, 'x-ms-sevsnpvm-migration-allowed')
      if (migration !== false && policy.allowMigration !== true)
        throw new Refusal('the guest can be moved', 'false', shown(migration))
      const vmpl = member(tee.claims, 'x-ms-sevsnpvm-vmpl')
      const accepted = policy.vmpls ?? [0]
      if (!accepted.includes(vmpl as number))
        throw new Refusal('the privilege level is another', accepted.join(' or '), shown(vmpl))
    },
  },
  {
    name: 'azure-maa.measurement',
    title: 'The program is one that the policy names',
    needs: ['token'],
    class: 'measurement',
    maySkip: true,
    run({ token: { tee }, policy }) {
      const lists = Object.entries(MEASURED).flatMap(([name, claim]) => {
        const accepted: readonly (string | number)[] | undefined = policy[name as keyof typeof MEASURED]
        return accepted ? [{ claim, accepted }] : []
      })
      if (lists.length === 0 && policy.minimumSvn === undefined) throw new Skip('the policy names no program')
      // A list about other hardware than that of the token refuses it: the claim is not there.
      for (const { claim, accepted } of lists) requireOneOf(tee.claims, claim, accepted)
      const svn = member(tee.claims, 'x-ms-sgx-svn')
      const { minimumSvn } = policy
      if (minimumSvn !== undefined && !(typeof svn === 'number' && svn >= minimumSvn))
        throw new Refusal('x-ms-sgx-svn is too low', `${minimumSvn} or more`, shown(svn))
    },
  },
  {
    name: 'azure-maa.policy-hash',
    title: 'The provider appraised it under a policy that ours names',
    needs: ['token'],
    class: 'issuer',
    maySkip: true,
    run({ token, policy }) {
      if (!policy.policyHashes) throw new Skip('the policy names none')
      requireOneOf(token.claims, 'x-ms-policy-hash', policy.policyHashes)
    },
  },
  {
    name: 'azure-maa.compliance',
    title: 'Azure found it compliant with what the policy names',
    needs: ['token'],
    class: 'guest-policy',
    maySkip: true,
    run({ token: { tee }, policy }) {
      if (!policy.complianceStatuses) throw new Skip('the policy names none')
      requireOneOf(tee.claims, 'x-ms-compliance-status', policy.complianceStatuses)
    },
  },
  {
    name: 'azure-maa.nonce',
    title: 'Its nonce is one that the policy names',
    needs: ['token'],
    class: 'binding',
    maySkip: true,
    run({ token: { claims }, policy }) {
      if (!policy.nonces) throw new Skip('the policy names none')
      const runtime = objectOf(member(claims, 'x-ms-runtime'))
      const payload = runtime && objectOf(member(runtime, 'client-payload'))
      const holder = Object.hasOwn(claims, 'nonce') ? claims : (payload ?? claims)
      requireOneOf(holder, 'nonce', policy.nonces)
    },
  },
  {
    name: 'azure-maa.user-data',
    title: 'The user data of the VM is what the policy names',
    needs: ['token'],
    class: 'binding',
    maySkip: true,
    run({ token: { tee }, policy }) {
      if (!policy.userData) throw new Skip('the policy names none')
      const runtime = objectOf(member(tee.claims, 'x-ms-runtime')) ?? {}
      const found = textClaim(runtime, 'user-data')?.toLowerCase()
      if (found === undefined || !policy.userData.includes(found))
        throw new Refusal('user-data is another', policy.userData.join(' or '), found ?? 'none')
    },
  },
  {
    name: 'azure-maa.tcb',
    title: 'Firmware and microcode were up to date, where the token says anything about it',
    needs: ['token'],
    class: 'tcb',
    maySkip: true,
    run({ token: { tee }, policy }) {
      if (!Object.hasOwn(tee.claims, 'attester_tcb_status')) throw new Skip('the token does not say')
      requireOneOf(tee.claims, 'attester_tcb_status', policy.tcbStatuses ?? ['UpToDate'])
    },
  },
  {
    name: 'azure-maa.key-set',
    title: 'The keys of the issuer were given',
    needs: ['keys'],
    class: 'collateral-missing',
    run({ keys }) {
      if (keys.size === 0)
        throw new Refusal('no keys were given', 'the key set of the issuer, a JWK Set', 'nothing')
    },
  },
  {
    name: 'azure-maa.age',
    title: 'The token is not older than the policy allows',
    needs: ['token'],
    class: 'expired',
    maySkip: true,
    run({ token: { claims }, policy: { maxAgeSeconds }, input, validUntil }) {
      if (maxAgeSeconds === undefined) throw new Skip('the policy names no age')
      const until = (numericDate(claims, 'iat') ?? -Infinity) + maxAgeSeconds
      if (!(input.at <= until))
        throw new Refusal('the token is too old', `${until} or earlier`, `${input.at}`)
      return { adds: { validUntil: earlier(validUntil, until) } }
    },
  },
]

/** The claim of the hardware must be there and say no: absent is not false. */
function findDebugClaims({ type, claims }: TeeClaims): string[] {
  const name = (DEBUG_CLAIMS as Readonly<Record<string, string>>)[type ?? '']
  if (name === undefined) return ['nothing is said about it']
  const value = member(claims, name)
  return value === false ? [] : [`${name}: ${shown(value)}`]
}

/** Other claims that say yes: of the operating system of a VM, of an EAT, of the issuance rules of the provider. */
function findOpenClaims(claims: JsonObject): string[] {
  return Object.entries(claims).flatMap(([name, value]) => {
    const isOpen =
      ((name.endsWith('is-debuggable') || name.endsWith('debug-enabled')) && value !== false) ||
      (name.endsWith('debuggersdisabled') && value !== true) ||
      (name === 'dbgstat' && !(typeof value === 'string' && value.startsWith('disabled')))
    return isOpen ? [`${name}: ${shown(value)}`] : []
  })
}

function requireOneOf(claims: JsonObject, name: string, accepted: readonly (string | number)[]): void {
  const found = member(claims, name)
  if (!accepted.includes(found as string))
    throw new Refusal(`${name} is not one that the policy accepts`, accepted.join(' or '), shown(found))
}

/** A claim for a message. */
function shown(value: JsonValue | undefined): string {
  return value === undefined ? 'none' : JSON.stringify(value).slice(0, 128)
}
