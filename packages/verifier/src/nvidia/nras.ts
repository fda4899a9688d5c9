import { type JsonObject, member } from '@sotto/protocol/jose'
import { type Check, Refusal, Skip } from '../checks/index.ts'
import { assess, type EvidenceInput, type EvidenceVerdict } from '../family/index.ts'
import { compareVersions } from './acceptable-checks.ts'
import { readNvidiaCollateral } from './collateral.ts'
import { forEach } from './facts.ts'
import { type NrasFacts, textOf, TOKEN_CHECKS } from './nras-checks.ts'
import type { NrasToken } from './nras-token.ts'
import { ARCHITECTURES, type Architecture, type NvidiaPolicy } from './policy.ts'
import { knownRims } from './rim-signature.ts'
import { type NvidiaRoots, nvidiaRoots } from './roots.ts'

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
      const architecture = architectureOf(model)
      if (architecture === undefined || !architectures.includes(architecture))
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
  deviceCheck(
    'nvidia.driver-version',
    'Each driver is new enough',
    'tcb',
    ({ claims }, { minimumDriverVersion: minimum }) => {
      if (minimum === undefined) throw new Skip('the policy asks for none')
      if (prefixOf(claims) === 'x-nvidia-switch-') return
      const version = textOf(claims, 'x-nvidia-gpu-driver-version')
      if (!/^\d{1,5}(?:\.\d{1,5}){1,3}$/.test(version) || compareVersions(version, minimum) < 0)
        throw new Refusal('the driver is too old', `${minimum} or newer`, version)
    },
  ),
  deviceCheck(
    'nvidia.vbios-version',
    'Each firmware is one that the policy names',
    'tcb',
    ({ claims }, { vbiosVersions }) => {
      if (!vbiosVersions) throw new Skip('the policy names none')
      const name =
        prefixOf(claims) === 'x-nvidia-switch-'
          ? 'x-nvidia-switch-bios-version'
          : 'x-nvidia-gpu-vbios-version'
      const version = textOf(claims, name)
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

/** A check of the claims of every device; refusals get its class and the name of the device. */
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
      forEach(bundle.devices, (token) => {
        try {
          judge(token, policy)
        } catch (error) {
          if (!(error instanceof Refusal)) throw error
          throw new Refusal(`${token.name}: ${error.message}`, error.expected, error.found, of)
        }
      })
    },
  }
}

function architectureOf(model: string): Architecture | undefined {
  if (/^GH1\d\d /.test(model)) return 'hopper'
  if (/^GB[12]\d\d /.test(model)) return 'blackwell'
  return model.startsWith('LS_10 ') ? 'ls10' : undefined
}

function prefixOf(claims: JsonObject): string {
  return architectureOf(textOf(claims, 'hwmodel')) === 'ls10' ? 'x-nvidia-switch-' : 'x-nvidia-gpu-'
}

function mandatoryClaims(claims: JsonObject): string[] {
  const prefix = prefixOf(claims)
  const rims = prefix === 'x-nvidia-switch-' ? SWITCH_RIMS : GPU_RIMS
  const names = [...REPORT_CLAIMS, ...rims.flatMap((rim) => RIM_CLAIMS.map((claim) => `${rim}-${claim}`))]
  if (prefix === 'x-nvidia-gpu-') names.push('vbios-index-no-conflict')
  return names.map((name) => prefix + name)
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
