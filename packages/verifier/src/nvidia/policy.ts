import {
  base64url,
  boolean,
  type Decoder,
  label,
  list,
  literal,
  object,
  oneOf,
  partial,
  text,
} from '@sotto/protocol/jcs'
import { DRIVER_VERSION, VBIOS_VERSION } from './versions.ts'

/** Kinds of devices, by their generation. */
export const ARCHITECTURES = ['hopper', 'blackwell', 'ls10'] as const

export type Architecture = (typeof ARCHITECTURES)[number]

/** A public key of NRAS as its JWK Set has it (RFC 7517). */
export interface NrasKey {
  kty: 'EC'
  crv: 'P-384'
  kid: string
  x: string
  y: string
  alg?: 'ES384'
  use?: 'sig'
}

/**
 * What evidence of GPUs and switches must say to be accepted. Everything may be left out, which allows nothing that
 * weakens a device: all of NVIDIA's reference values must be given and equal.
 *
 * CC DevTools mode (memory and links readable for tools) is not in any field of a report. It is refused as far as
 * it can be seen: tokens of NRAS must have `dbgstat` disabled, reports must equal every active reference value,
 * and certified debug firmware is refused. The guest must also refuse to start work while NVML reports
 * `devToolsMode` (`nvidia-smi conf-compute -d`), as part of what its own evidence measures.
 */
export interface NvidiaPolicy {
  /** Accepted kinds. Default all. */
  architectures?: readonly Architecture[]
  /** Accepted devices: the names that NVIDIA certified (`NVIDIA:GH100:48B02D7A7CD27FC3`), or the `ueid` of tokens. Default any. */
  devices?: readonly string[]
  /** Oldest accepted driver, `550.90.07`; switches have none. Default any that has a manifest. */
  minimumDriverVersion?: string
  /** Accepted firmware, `96.00.9F.00.01`. Default any that has a manifest. */
  vbiosVersions?: readonly string[]
  /** Default false: in Protected PCIe mode GPUs talk over NVLink without encryption. */
  allowProtectedPcie?: boolean
  /** Default false: what is known to be in debug mode is refused. See above for what is not known. */
  allowDevtools?: boolean
  /**
   * Demands a current OCSP response for every certificate but roots and the leaf of a device, which has none.
   * Default false: then none is needed, but some for a part of a path are refused, for the revoked one may be
   * missing. An attacker who can withhold all of them hides a revocation. A token of NRAS must then say of the device
   * and of each manifest that its certificates are valid and not revoked; nothing is known about those of NRAS itself.
   */
  requireOcsp?: boolean
  /** Keys of NRAS that its token may be signed with, beside those that NVIDIA certified. Default none. */
  nrasKeys?: readonly NrasKey[]
}

const MAX_ENTRIES = 4096
const COORDINATE_BYTES = 48

const nrasKey: Decoder<NrasKey> = (value, path) => {
  const optional = { alg: literal('ES384'), use: literal('sig') }
  const given = Object.entries(optional).filter(
    ([name]) => typeof value === 'object' && value !== null && Object.hasOwn(value, name),
  )
  return object({
    kty: literal('EC'),
    crv: literal('P-384'),
    kid: label(256),
    x: base64url(COORDINATE_BYTES),
    y: base64url(COORDINATE_BYTES),
    ...Object.fromEntries(given),
  } as never)(value, path) as NrasKey
}

/** Reads a policy that a person wrote. @throws `JCS_FIELD` (fix-input), for unknown members too */
export const nvidiaPolicyDecoder: Decoder<NvidiaPolicy> = partial<NvidiaPolicy>({
  architectures: list(oneOf(...ARCHITECTURES), 1, ARCHITECTURES.length),
  devices: list(label(64), 1, MAX_ENTRIES),
  minimumDriverVersion: text(24, DRIVER_VERSION),
  vbiosVersions: list(text(14, VBIOS_VERSION), 1, MAX_ENTRIES),
  allowProtectedPcie: boolean(),
  allowDevtools: boolean(),
  requireOcsp: boolean(),
  nrasKeys: list(nrasKey, 1, 64),
})
