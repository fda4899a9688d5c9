import { fromBase64, fromUtf8, toHex } from '@sotto/protocol/bytes'
import { publicCrypto } from '@sotto/protocol/crypto-backend'
import { base64, hex, label, list, literal, members, oneOf, parseStrictJson } from '@sotto/protocol/jcs'
import { certificatesOfPem, type Certificate, parseCertificate } from '@sotto/protocol/x509'
import { Refusal } from '../checks/index.ts'
import { verifierError } from '../errors.ts'
import { deviceName, type DiceIdentity, parseDiceIdentity } from './dice.ts'
import type { Architecture } from './policy.ts'
import { type NvidiaReport, parseNvidiaReport } from './report.ts'

/** Devices of one machine: 8 GPUs and 4 switches, and room. */
const MAX_DEVICES = 32
/** A report and a chain, and what base64 adds. */
const MAX_CHAIN_BYTES = 65_536
const MAX_REPORT_BYTES = 65_536
const MAX_LIST_CHARACTERS = 4 * 1024 * 1024

/** One device in evidence: a report, and its chain where that came along. */
export interface DeviceEvidence {
  /** Empty where there is only one, else for messages. */
  label: string
  report: NvidiaReport
  /** PEM, leaf first; a report alone has it in the collateral. */
  chain: Uint8Array | undefined
  /** What the collecting software wrote beside it, and nobody signed. */
  claimed: Architecture | undefined
}

/** A device with the certificates of its key. Structure only: nothing in it is proven. */
export interface NvidiaDevice extends DeviceEvidence {
  certificates: readonly Certificate[]
  architecture: Architecture
  /** Chip as its certificate and its manifests name it, `GH100`. */
  product: string
  /** What NVIDIA certified about the firmware that signs. */
  identity: DiceIdentity | undefined
  /** Name of this one device; undefined where its certificate has none. */
  name: string | undefined
  /**
   * What tells it from every other one, none of which its owner can change: SHA-256 of the identity key that NVIDIA
   * certified, hexadecimal, whatever certificate it is in; and its `ueid` in tokens of NRAS, the serial number of
   * its leaf, decimal. The leaf alone would not do: other firmware has another one.
   */
  ids: readonly string[]
}

const CLAIMED = { HOPPER: 'hopper', BLACKWELL: 'blackwell', LS10: 'ls10' } as const satisfies Record<
  string,
  Architecture
>

interface ListEntry {
  arch: keyof typeof CLAIMED
  certificate: string
  evidence: string
  nonce: string
  version?: '1.0'
  driver_version?: string
  vbios_version?: string
}

interface CollectorOutput {
  evidences: ListEntry[]
  result_code?: 0
  result_message?: string
}

/** What NVIDIA's software writes for each device; the versions beside a report are read nowhere: it has its own. */
const listDecoder = list(
  members<ListEntry>(
    {
      arch: oneOf(...(Object.keys(CLAIMED) as (keyof typeof CLAIMED)[])),
      certificate: base64(1, MAX_CHAIN_BYTES),
      evidence: base64(1, MAX_REPORT_BYTES),
      nonce: hex(32),
    },
    { version: literal('1.0'), driver_version: label(64), vbios_version: label(64) },
  ),
  1,
  MAX_DEVICES,
)

/**
 * Output of `nvattest collect-evidence --format json`:
 * https://docs.nvidia.com/attestation/nv-attestation-sdk-cpp/latest/sdk-cli/command-reference.html
 */
const outputDecoder = members<CollectorOutput>(
  { evidences: listDecoder },
  { result_code: literal(0), result_message: label(256) },
)

/**
 * Reports in evidence: one as the device gave it, a list of `{arch, certificate, evidence, nonce}`, or such a list as
 * `evidences` of what `nvattest` writes.
 *
 * @throws `EVIDENCE_MALFORMED`, `JCS_FIELD`, `JCS_MALFORMED` (fix-input); Refusal of class `binding` for a nonce beside
 *   a report that is not in it
 */
export function parseDeviceEvidence(evidence: Uint8Array): DeviceEvidence[] {
  if (!startsAsJson(evidence))
    return [{ label: '', report: parseNvidiaReport(evidence), chain: undefined, claimed: undefined }]
  const value = parseStrictJson(fromUtf8(evidence), { maxBytes: MAX_LIST_CHARACTERS })
  const entries = Array.isArray(value)
    ? listDecoder(value, 'evidence')
    : outputDecoder(value, 'evidence').evidences
  return entries.map(({ arch, certificate, evidence, nonce }, i) => {
    const label = entries.length === 1 ? '' : `device ${i + 1}: `
    const report = parseNvidiaReport(fromBase64(evidence))
    const found = toHex(report.spdm.requesterNonce)
    if (found !== nonce)
      throw new Refusal(`${label}the report is an answer to another nonce`, nonce, found, 'binding')
    return { label, report, chain: fromBase64(certificate), claimed: CLAIMED[arch] }
  })
}

/** First characters of JSON, after white space. */
export function startsAsJson(bytes: Uint8Array): boolean {
  const first = bytes.find((byte) => byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)
  return first === 0x5b || first === 0x7b
}

/**
 * Reads the chain of a device and what its leaf says.
 *
 * @param chain PEM, leaf first
 * @throws `X509_MALFORMED`, `X509_UNSUPPORTED`, `EVIDENCE_MALFORMED` (fix-input); Refusal of class `hardware` for a device
 *   of a kind that nobody here knows
 */
export function parseDevice(evidence: DeviceEvidence, chain: Uint8Array): NvidiaDevice {
  const certificates = certificatesOfPem(fromUtf8(chain)).map((der) => parseCertificate(der))
  const [leaf, issuer] = certificates
  const chip = chipOf(leaf!.commonName)
  // The leaf is made by the device, the certificate above it by NVIDIA: both name the chip.
  if (chip === undefined || issuer === undefined || chipOf(issuer.commonName) !== chip)
    throw new Refusal(
      'the certificates are of no device that is known here',
      'GH100, GB100 …',
      `${leaf!.subjectText}; ${issuer?.subjectText ?? 'no issuer'}`,
      'hardware',
    )
  const architecture = architectureOf(chip)
  if (evidence.claimed !== undefined && evidence.claimed !== architecture)
    throw verifierError('EVIDENCE_MALFORMED', 'the device is of another kind than written beside it', {
      expected: evidence.claimed,
      found: architecture,
    })
  // A switch alone has no driver of its own. A GPU that left it out would be spared the reference values of one.
  if ((evidence.report.driverVersion === undefined) !== (architecture === 'ls10'))
    throw verifierError('EVIDENCE_MALFORMED', 'the report is of another kind than the device', {
      expected: architecture === 'ls10' ? 'no DRIVER_VERSION' : 'DRIVER_VERSION',
      found: evidence.report.driverVersion ?? 'none',
    })
  return {
    ...evidence,
    certificates,
    architecture,
    product: chip.replace('_', ''),
    identity: parseDiceIdentity(leaf!),
    name: deviceName(leaf!),
    ids: [toHex(publicCrypto.sha256(issuer.spki)), BigInt(`0x0${toHex(leaf!.serialNumber)}`).toString()],
  }
}

/** Chip at the beginning of a name of firmware: Hopper, Blackwell, or the switch of Hopper. */
export function chipOf(name = ''): string | undefined {
  return /^(?:GH1\d\d|GB[12]\d\d|LS_10)(?= )/.exec(name)?.[0]
}

/** Generation of a chip that {@link chipOf} knows. */
export function architectureOf(chip: string): Architecture {
  return chip.startsWith('GH') ? 'hopper' : chip.startsWith('GB') ? 'blackwell' : 'ls10'
}

/** Names of the manifests of a device at NVIDIA's service, `v1/rim/{id}`. */
export function rimIds({ report, architecture, product }: NvidiaDevice): string[] {
  const version = report.vbiosVersion.replaceAll('.', '')
  // The service has the boards of switches under one name.
  if (architecture === 'ls10') return [`NV_SWITCH_BIOS_5612_0002_890_${version}`]
  const { project, projectSku, chipSku, chip, driverVersion } = report
  const driver =
    architecture === 'hopper' ? `NV_GPU_DRIVER_${product}` : `NV_GPU_CC_DRIVER_${chip ?? product}`
  return [
    `${driver}_${driverVersion}`,
    `NV_GPU_VBIOS_${project ?? ''}_${projectSku ?? ''}_${chipSku ?? ''}_${version}`,
  ]
}
