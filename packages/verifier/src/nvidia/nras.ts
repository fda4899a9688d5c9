import { type JsonObject, member, numericDate } from '@sotto/protocol/jose'
import { type Check, Refusal, Skip } from '../checks/index.ts'
import { addDates, assess, type EvidenceInput, type EvidenceVerdict } from '../family/index.ts'
import { readNvidiaCollateral } from './collateral.ts'
import { architectureOf, chipOf } from './evidence.ts'
import { forEach } from './facts.ts'
import { isSwitch, type NrasFacts, textOf, TOKEN_CHECKS } from './nras-checks.ts'
import type { NrasToken } from './nras-token.ts'
import { ARCHITECTURES, type NvidiaPolicy } from './policy.ts'
import { knownRims } from './rim-signature.ts'
import { type NvidiaRoots, nvidiaRoots } from './roots.ts'
import { compareVersions, DRIVER_VERSION } from './versions.ts'

export { isToken } from './nras-token.ts'

/** Statements about one device (version 3 of NVIDIA's claims) that must be true, after `x-nvidia-gpu-` or `x-nvidia-switch-`. */
const REPORT_CLAIMS = [
  'arch-check',
  'attestation-report-cert-chain-fwid-match',
  'attestation-report-nonce-match',
  'attestation-report-parsed',
  'attestation-report-signature-verified',
]
const RIM_CLAIMS = ['fetched', 'signature-verified', 'version-match', 'measurements-available']
const GPU_RIMS = ['driver-rim', 'vbios-rim']
const SWITCH_RIMS = ['bios-rim']

/** What the service says about a device, and whether the policy accepts it. */
const RESULT_CHECKS: readonly Check<NrasFacts>[] = [
  deviceCheck(
    'nvidia.architecture',
    'Each device is of an accepted kind',
    'hardware',
    ({ claims }, { architectures = ARCHITECTURES }) => {
      const model = textOf(claims, 'hwmodel')
      const chip = chipOf(model)
      if (chip === undefined || !architectures.includes(architectureOf(chip)))
        throw new Refusal('the kind of device is not accepted', architectures.join(' or '), model)
    },
  ),
  deviceCheck(
    'nvidia.device',
    'Each device is one that the policy names',
    'hardware',
    ({ claims }, { devices }) => {
      if (!devices) throw new Skip('the policy names no devices')
      const id = textOf(claims, 'ueid')
      if (!devices.includes(id))
        throw new Refusal('the device is not one that the policy names', devices.join(' or '), id)
    },
  ),
  deviceCheck(
    'nvidia.debug',
    'No device is in debug mode',
    'debug',
    ({ claims }, { allowDevtools = false }) => {
      const status = textOf(claims, 'dbgstat')
      if (status !== 'disabled' && !allowDevtools)
        throw new Refusal('debugging is possible', 'disabled', status)
    },
  ),
  {
    name: 'nvidia.result',
    title: 'The service accepts all devices together',
    needs: ['bundle'],
    class: 'measurement',
    run({ bundle: { overall } }) {
      const result = member(overall.claims, 'x-nvidia-overall-att-result')
      if (result !== true)
        throw new Refusal(
          'the overall result is not true',
          'true',
          JSON.stringify(result ?? null).slice(0, 32),
        )
    },
  },
  deviceCheck(
    'nvidia.measurements',
    "Every measurement equals one of NVIDIA's reference values for it",
    'measurement',
    ({ claims }) => {
      const result = textOf(claims, 'measres')
      if (result !== 'success')
        throw new Refusal('measurements differ from the reference values', 'success', result)
      if ((member(claims, 'x-nvidia-mismatch-measurement-records') ?? null) !== null)
        throw new Refusal('measurements differ from the reference values', 'no mismatch')
      requireTrue(claims, mandatoryClaims(claims))
    },
  ),
  deviceCheck(
    'nvidia.secure-boot',
    'Each device started with firmware that NVIDIA signed',
    'guest-policy',
    ({ claims }) => {
      requireTrue(claims, ['secboot'])
    },
  ),
  deviceCheck(
    'nvidia.certificates',
    'The service found every certificate valid and not revoked',
    'revoked',
    ({ claims }) => {
      for (const [name, value] of Object.entries(claims))
        if (name.endsWith('-cert-chain')) requireGoodChain(name, value)
      const warning = member(claims, 'x-nvidia-attestation-warning') ?? null
      if (warning !== null)
        throw new Refusal('the service warns', 'no warning', textOf(claims, 'x-nvidia-attestation-warning'))
    },
  ),
  {
    name: 'nvidia.revocation-status',
    title: 'The service says of every chain whether it is revoked, where the policy asks for it',
    needs: ['bundle'],
    class: 'collateral-missing',
    maySkip: true,
    run(facts) {
      const { bundle, policy } = facts
      const silent = bundle.devices.flatMap(({ label, claims }) =>
        chainClaims(claims).flatMap((claim) => (member(claims, claim) === undefined ? [label + claim] : [])),
      )
      if (silent.length > 0) {
        if (policy.requireOcsp !== true) throw new Skip('none are required')
        throw new Refusal('the service says nothing about chains', silent.join(', '), 'no such claim')
      }
      // The service asked the responders when it wrote the token.
      const times = bundle.devices.map(({ claims }) => numericDate(claims, 'iat') ?? 0)
      return { adds: { dates: addDates(facts, 'revocation', ...times) } }
    },
  },
  deviceCheck(
    'nvidia.driver-version',
    'Each driver is new enough',
    'tcb',
    ({ claims }, { minimumDriverVersion: minimum }) => {
      if (minimum === undefined) throw new Skip('the policy asks for none')
      if (isSwitch(claims)) return
      const version = textOf(claims, 'x-nvidia-gpu-driver-version')
      if (!DRIVER_VERSION.test(version) || compareVersions(version, minimum) < 0)
        throw new Refusal('the driver is too old', `${minimum} or newer`, version)
    },
  ),
  deviceCheck(
    'nvidia.vbios-version',
    'Each firmware is one that the policy names',
    'tcb',
    ({ claims }, { vbiosVersions }) => {
      if (!vbiosVersions) throw new Skip('the policy names none')
      const version = textOf(claims, prefixOf(claims) + (isSwitch(claims) ? 'bios-version' : 'vbios-version'))
      if (!vbiosVersions.includes(version))
        throw new Refusal(
          'the firmware is not one that the policy names',
          vbiosVersions.join(' or '),
          version,
        )
    },
  ),
  deviceCheck(
    'nvidia.interconnect',
    'What GPUs send to each other is encrypted, unless the policy allows Protected PCIe',
    'guest-policy',
    ({ claims }, { allowProtectedPcie = false }) => {
      const mode = member(claims, 'x-nvidia-gpu-mode')
      // Older versions of the service do not say. Then only the overall result speaks about it.
      if (mode === undefined || mode === 'spt' || mode === 'mpt' || (mode === 'ppcie' && allowProtectedPcie))
        return
      throw new Refusal(
        'GPUs talk over links that are not encrypted',
        'spt or mpt',
        textOf(claims, 'x-nvidia-gpu-mode'),
      )
    },
  ),
  {
    name: 'nvidia.distinct',
    title: 'No device is there twice',
    needs: ['bundle'],
    class: 'hardware',
    run({ bundle: { devices } }) {
      const ids = devices.map(({ claims }) => textOf(claims, 'ueid'))
      if (new Set(ids).size < ids.length)
        throw new Refusal('a device is counted twice', `${ids.length} devices`, ids.join(', '))
    },
  },
]

/** A check of the claims of every device. */
function deviceCheck(
  name: string,
  title: string,
  of: NonNullable<Check<NrasFacts>['class']>,
  judge: (token: NrasToken, policy: NvidiaPolicy) => void,
): Check<NrasFacts> {
  return {
    name,
    title,
    needs: ['bundle'],
    class: of,
    maySkip: true,
    run({ bundle, policy }) {
      forEach(bundle.devices, (token) => judge(token, policy))
    },
  }
}

function prefixOf(claims: JsonObject): string {
  return isSwitch(claims) ? 'x-nvidia-switch-' : 'x-nvidia-gpu-'
}

function rimsOf(claims: JsonObject): readonly string[] {
  return isSwitch(claims) ? SWITCH_RIMS : GPU_RIMS
}

/** What the service says about the certificates of the device and of its manifests. */
function chainClaims(claims: JsonObject): string[] {
  const chains = ['attestation-report', ...rimsOf(claims)]
  return chains.map((name) => `${prefixOf(claims)}${name}-cert-chain`)
}

function mandatoryClaims(claims: JsonObject): string[] {
  const rims = rimsOf(claims).flatMap((rim) => RIM_CLAIMS.map((claim) => `${rim}-${claim}`))
  const names = [...REPORT_CLAIMS, ...rims, ...(isSwitch(claims) ? [] : ['vbios-index-no-conflict'])]
  return names.map((name) => prefixOf(claims) + name)
}

/** These claims are there and true, and no other statement of NVIDIA's is false. */
function requireTrue(claims: JsonObject, names: readonly string[]): void {
  const others = Object.entries(claims).flatMap(([name, value]) =>
    name.startsWith('x-nvidia-') && value === false ? [name] : [],
  )
  const untrue = [...names.filter((name) => member(claims, name) !== true), ...others]
  if (untrue.length > 0) throw new Refusal('not everything holds', 'true', [...new Set(untrue)].join(', '))
}

function requireGoodChain(name: string, value: unknown): void {
  const chain = typeof value === 'object' && value !== null ? (value as JsonObject) : {}
  const status = `${textOf(chain, 'x-nvidia-cert-status')}, ${textOf(chain, 'x-nvidia-cert-ocsp-status')}`
  if (status !== 'valid, good') throw new Refusal(`${name} is not in order`, 'valid, good', status)
}

/** Judges a token of NRAS: NVIDIA's word about devices that nobody else saw. */
export function verifyNrasToken(
  input: EvidenceInput<NvidiaPolicy>,
  roots: NvidiaRoots = nvidiaRoots(),
): EvidenceVerdict {
  const facts: NrasFacts = {
    input,
    policy: input.policy ?? {},
    roots,
    collateral: readNvidiaCollateral(input.collateral, knownRims(roots)),
    fields: {},
  }
  return assess<NrasFacts>(
    {
      family: 'nvidia',
      authentic: TOKEN_CHECKS,
      acceptable: RESULT_CHECKS,
      trustedParties: ['NVIDIA (makes and certifies the device, and judges it with its own service)'],
    },
    facts,
  )
}
