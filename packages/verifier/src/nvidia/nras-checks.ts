import { toHex } from '@sotto/protocol/bytes'
import { type JsonObject, member, verifyJws, verifyTimes } from '@sotto/protocol/jose'
import { type Check, Refusal, Skip } from '../checks/index.ts'
import {
  type CollateralDate,
  earlier,
  type EvidenceInput,
  type FieldValue,
  type Reason,
} from '../family/index.ts'
import type { NvidiaCollateral } from './collateral.ts'
import { chipOf } from './evidence.ts'
import { forEach, throwAll } from './facts.ts'
import { findTrustedKey, type TrustedKey } from './nras-keys.ts'
import { findStrays, type NrasBundle, type NrasToken, parseNrasBundle } from './nras-token.ts'
import type { NvidiaPolicy } from './policy.ts'
import type { NvidiaRoots } from './roots.ts'

/** The production service. Another host, its staging among them, is another authority. */
export const NRAS_ISSUER = 'https://nras.attestation.nvidia.com'
const NONCE_BYTES = 32

/** What the checks of a token establish for each other. */
export interface NrasFacts {
  input: EvidenceInput<NvidiaPolicy>
  policy: NvidiaPolicy
  roots: NvidiaRoots
  collateral: NvidiaCollateral
  fields: Record<string, FieldValue>
  validUntil?: number
  dates?: readonly CollateralDate[]
  /** Structure only, but that digests are those of the detached tokens. */
  bundle?: NrasBundle
  /** Of each token, the overall one first. */
  keys?: readonly TrustedKey[]
}

/** Classes of what the JOSE functions refuse. */
const CLASSES: Readonly<Record<string, Reason>> = {
  JOSE_ALGORITHM: 'algorithm',
  JOSE_SIGNATURE: 'signature',
  JOSE_TIME: 'expired',
  JOSE_MALFORMED: 'malformed',
  JOSE_UNSUPPORTED: 'malformed',
}

/** Whether NVIDIA's service said this, now, about this nonce. */
export const TOKEN_CHECKS: readonly Check<NrasFacts>[] = [
  {
    name: 'nvidia.token',
    title: 'There is an overall token of the service and a detached one for each device',
    needs: [],
    class: 'malformed',
    run({ input: { evidence }, fields }) {
      const bundle = parseNrasBundle(evidence)
      Object.assign(fields, tokenFields(bundle))
      return { adds: { bundle }, found: `${bundle.devices.length} devices` }
    },
  },
  {
    name: 'nvidia.token-algorithm',
    title: 'Every token is signed with ES384',
    needs: ['bundle'],
    class: 'algorithm',
    run({ bundle }) {
      forEach(tokensOf(bundle), ({ jws: { header } }) => {
        if (header.alg !== 'ES384') throw new Refusal('another algorithm', 'ES384', header.alg.slice(0, 32))
      })
    },
  },
  {
    name: 'nvidia.token-issuer',
    title: "The tokens are of NVIDIA's production service",
    needs: ['bundle'],
    class: 'issuer',
    run({ bundle }) {
      forEach(tokensOf(bundle), ({ claims }) => {
        const issuer = textOf(claims, 'iss')
        if (issuer !== NRAS_ISSUER) throw new Refusal('another issuer', NRAS_ISSUER, issuer)
      })
    },
  },
  {
    name: 'nvidia.token-key',
    title: 'The keys of the tokens are certified by NVIDIA, named by the policy, or fetched by the caller',
    needs: ['bundle', 'collateral'],
    class: 'issuer',
    run({ bundle, collateral, policy: { nrasKeys = [] }, roots, input, validUntil }) {
      const keys = forEach(tokensOf(bundle), ({ jws }) =>
        findTrustedKey(jws.header, nrasKeys, collateral.jwks, roots, input),
      )
      const ends = keys.flatMap(({ notAfter }) => (notAfter === undefined ? [] : [notAfter]))
      return {
        adds: { keys, ...(ends.length > 0 && { validUntil: earlier(validUntil, Math.min(...ends)) }) },
      }
    },
  },
  {
    name: 'nvidia.token-signature',
    title: 'Every token is signed with its key',
    needs: ['bundle', 'keys'],
    class: 'signature',
    run({ bundle, keys }) {
      const tokens = tokensOf(bundle)
      forEach(tokens, (token) =>
        withJose(() =>
          verifyJws(token.jws, keys[tokens.indexOf(token)]!.publicKey, { algorithms: ['ES384'] }),
        ),
      )
    },
  },
  {
    name: 'nvidia.submodules',
    title: 'The overall token names the digest of every detached token, and there is no other',
    needs: ['bundle'],
    class: 'signature',
    run({ bundle }) {
      const strays = findStrays(bundle)
      if (strays !== undefined)
        throw new Refusal(
          'detached tokens are not those of the overall one',
          'one for each submodule',
          strays,
        )
    },
  },
  {
    name: 'nvidia.token-times',
    title: 'Every token was issued and has not ended',
    needs: ['bundle'],
    class: 'expired',
    run({ bundle, input: { at }, validUntil }) {
      const times = forEach(tokensOf(bundle), (token) => withJose(() => verifyTimes(token.claims, at)))
      // The last second in which it holds.
      return { adds: { validUntil: earlier(validUntil, Math.min(...times.map(({ exp }) => exp)) - 1) } }
    },
  },
  {
    name: 'nvidia.nonce',
    title: 'Every token answers the nonce that was expected',
    needs: ['bundle'],
    class: 'binding',
    maySkip: true,
    run({ bundle, input: { expectedReportData } }) {
      const overall = nonceOf(bundle.overall)
      if (!/^[0-9a-f]{64}$/.test(overall))
        throw new Refusal('the overall token answers no nonce', '32 bytes', overall)
      forEach(bundle.devices, (token) => {
        if (nonceOf(token) !== overall) throw new Refusal('another nonce', overall, nonceOf(token))
      })
      if (expectedReportData === undefined) throw new Skip('nothing to compare with was given')
      const expected = toHex(expectedReportData)
      if (expectedReportData.length !== NONCE_BYTES)
        throw new Refusal(
          'a nonce has another length',
          `${NONCE_BYTES} bytes`,
          `${expectedReportData.length}`,
        )
      if (overall !== expected) throw new Refusal('the tokens answer another nonce', expected, overall)
      return { expected, found: overall }
    },
  },
  {
    name: 'nvidia.collateral',
    title: 'Everything that came with the evidence can be read',
    needs: ['collateral'],
    class: 'collateral-invalid',
    run({ collateral }) {
      throwAll(collateral.problems)
    },
  },
]

function tokensOf({ overall, devices }: NrasBundle): readonly NrasToken[] {
  return [overall, ...devices]
}

/** Text of a claim; what it has instead, for people. */
export function textOf(claims: JsonObject, name: string): string {
  const value = member(claims, name)
  return typeof value === 'string' ? value.slice(0, 128) : `${value === undefined ? 'no' : 'another'} ${name}`
}

/** Whether claims are about a switch and not a GPU; a model that nobody knows is refused elsewhere. */
export function isSwitch(claims: JsonObject): boolean {
  return chipOf(textOf(claims, 'hwmodel')) === 'LS_10'
}

function nonceOf({ claims }: NrasToken): string {
  return textOf(claims, 'eat_nonce').toLowerCase()
}

function withJose<Result>(run: () => Result): Result {
  try {
    return run()
  } catch (error) {
    const {
      code = '',
      message,
      expected,
      found,
    } = error as { code?: string; message: string; expected?: string; found?: string }
    throw new Refusal(message, expected, found, CLASSES[code] ?? 'signature')
  }
}

/** Versions of driver and VBIOS, `550.90.07 96.00.9F.00.01`. */
const FIRMWARE = /^[\d.]+ [\dA-F.]+$/

/** Claims that other suites compare, by device. */
const COMPARED = [
  'hwmodel',
  'measres',
  'x-nvidia-gpu-driver-version',
  'x-nvidia-gpu-vbios-version',
  'secboot',
  'dbgstat',
  'ueid',
] as const

function tokenFields({ overall, devices }: NrasBundle): Record<string, FieldValue> {
  const scalar = (claims: JsonObject, name: string): FieldValue => {
    const value = member(claims, name) ?? null
    return typeof value === 'object' ? null : value
  }
  const { claims } = overall
  const gpus = devices.map((device) => device.claims).filter((device) => !isSwitch(device))
  return {
    iss: scalar(claims, 'iss'),
    iat: scalar(claims, 'iat'),
    exp: scalar(claims, 'exp'),
    nonce: scalar(claims, 'eat_nonce'),
    overall: scalar(claims, 'x-nvidia-overall-att-result'),
    tokens: devices.length + 1,
    gpu_ids: gpus.map((gpu) => [textOf(gpu, 'ueid')].filter((id) => /^[1-9]\d*$/.test(id))),
    gpu_firmwares: gpus.map((gpu) => {
      const firmware = ['driver', 'vbios']
        .map((part) => textOf(gpu, `x-nvidia-gpu-${part}-version`))
        .join(' ')
      return FIRMWARE.test(firmware) ? firmware : null
    }),
    ...Object.fromEntries(
      devices.map(({ claims }, i) => [
        `gpu${i}`,
        Object.fromEntries(COMPARED.map((name) => [name, scalar(claims, name)])),
      ]),
    ),
  }
}
