import { boolean, type Decoder, integer, label, list, oneOf, partial, text } from '@sotto/protocol/jcs'

/** Machines whose memory their operator cannot read. */
export const CONFIDENTIAL_HARDWARE = [
  'GCP_AMD_SEV',
  'GCP_AMD_SEV_ES',
  'GCP_AMD_SEV_SNP',
  'GCP_INTEL_TDX',
] as const

/** What Google says about the age of an image of Confidential Space, without those for experiments. */
export const SUPPORT_ATTRIBUTES = ['LATEST', 'STABLE', 'USABLE'] as const

/**
 * What a token of Confidential Space must say to be accepted. Everything may be left out, which allows
 * no debug image and no image that Google does not support. Without `imageDigests` the verdict says
 * nothing about which program runs; without `audiences` and `nonces` the token may have been made for
 * somebody else.
 */
export interface ConfidentialSpacePolicy {
  /** Accepted `aud`. */
  audiences?: readonly string[]
  /** Accepted `eat_nonce`; one of those of the token must be among them. */
  nonces?: readonly string[]
  /** Default false: the operator of a debug image has a shell in it. */
  allowDebug?: boolean
  /** Default false: secure boot is off, so that another system may have been started. */
  allowInsecureBoot?: boolean
  /** Accepted `hwmodel`. Default all of {@link CONFIDENTIAL_HARDWARE}. */
  hwmodels?: readonly (typeof CONFIDENTIAL_HARDWARE)[number][]
  /** All of them must stand in `support_attributes`. Default `['STABLE']`; debug images have none. */
  supportAttributes?: readonly (typeof SUPPORT_ATTRIBUTES)[number][]
  /** Lowest version of the image of Confidential Space, `swversion`: a date as a number, 250301. */
  minimumSwversion?: number
  /** Accepted `image_digest` of the container, `sha256:` and 64 hexadecimal digits. */
  imageDigests?: readonly string[]
  /** Accepted `image_reference` of the container. A tag in it says nothing about the content. */
  imageReferences?: readonly string[]
  /** Accepted `project_id` of the machine. */
  projects?: readonly string[]
  /** True demands a GPU in confidential mode, `submods.nvidia_gpu.cc_mode`. Default false. */
  requireConfidentialGpu?: boolean
  /** Accepted `tdx.gcp_attester_tcb_status` where the token has it. Default `['UpToDate']`. */
  tcbStatuses?: readonly string[]
  /** Oldest accepted token, since `iat`. Default as long as it says itself, an hour. */
  maxAgeSeconds?: number
  /** How far the clocks of Google and of the verifier may be apart. Default 0. */
  clockSkewSeconds?: number
}

const MAX_ENTRIES = 4096

/** Reads a policy that a person wrote. @throws `JCS_FIELD` (fix-input), for unknown members too */
export const confidentialSpacePolicyDecoder: Decoder<ConfidentialSpacePolicy> =
  partial<ConfidentialSpacePolicy>({
    audiences: entries(label(512)),
    nonces: entries(label(88)),
    allowDebug: boolean(),
    allowInsecureBoot: boolean(),
    hwmodels: entries(oneOf(...CONFIDENTIAL_HARDWARE)),
    supportAttributes: list(oneOf(...SUPPORT_ATTRIBUTES), 0, SUPPORT_ATTRIBUTES.length),
    minimumSwversion: integer(),
    imageDigests: entries(text(71, /^sha256:[0-9a-f]{64}$/)),
    imageReferences: entries(label(512)),
    projects: entries(label(64)),
    requireConfidentialGpu: boolean(),
    tcbStatuses: entries(label(64)),
    maxAgeSeconds: integer(1, 86_400),
    clockSkewSeconds: integer(0, 300),
  })

/** An allow-list names something: an empty one is a mistake, not "anything". */
function entries<T>(item: Decoder<T>): Decoder<T[]> {
  return list(item, 1, MAX_ENTRIES)
}
