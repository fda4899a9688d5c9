import { fromBase64, fromUtf8 } from '../bytes/index.ts'
import { base64, type Decoder, hex, jcsError, list, literal, members, object } from '../jcs/index.ts'
import { omsError, refuseAs } from './errors.ts'
import { parseForeignJson } from './json.ts'
import {
  BUNDLE_MEDIA_TYPE,
  MAX_CERTIFICATE_BYTES,
  MAX_SIGNATURE_BYTES,
  OMS_PAYLOAD_TYPE,
  type OmsBundle,
  type OmsMaterial,
} from './types.ts'

/** Longest bundle: the names and digests of some 50000 files. */
export const MAX_OMS_BUNDLE_BYTES = 16_777_216
const MAX_CERTIFICATES = 10
const MAX_LOG_ENTRIES = 8

/** Members of protocol buffers in JSON are absent where they have their default, and some writers write null. */
const anything: Decoder<unknown> = (value) => value
const certificate = object({ rawBytes: base64(16, MAX_CERTIFICATE_BYTES) })

interface Material {
  publicKey?: { hint?: unknown; rawBytes?: unknown; keyDetails?: unknown }
  x509CertificateChain?: { certificates: { rawBytes: string }[] }
  certificate?: { rawBytes: string }
  tlogEntries?: unknown[]
  timestampVerificationData?: unknown
}

const materialDecoder: Decoder<Material> = members<Material>(
  {},
  {
    publicKey: members({}, { hint: anything, rawBytes: anything, keyDetails: anything } as never),
    x509CertificateChain: object({ certificates: list(certificate, 1, MAX_CERTIFICATES) }),
    certificate,
    tlogEntries: list(anything, 0, MAX_LOG_ENTRIES) as Decoder<unknown[]>,
    timestampVerificationData: anything as Decoder<object>,
  },
)

const bundleDecoder = object({
  mediaType: literal(BUNDLE_MEDIA_TYPE),
  verificationMaterial: materialDecoder,
  dsseEnvelope: object({
    payload: base64(1, MAX_OMS_BUNDLE_BYTES),
    payloadType: literal(OMS_PAYLOAD_TYPE),
    // A Sigstore bundle has exactly one (protobuf-specs, sigstore_bundle.proto).
    signatures: list(
      members<{ sig: string; keyid?: unknown }>(
        { sig: base64(8, MAX_SIGNATURE_BYTES) },
        { keyid: anything as Decoder<object> },
      ),
      1,
      1,
    ),
  }),
})

/**
 * Structure of a model signature, from anybody.
 * @throws `OMS_MALFORMED` (fix-input)
 */
export function parseOmsBundle(bytes: Uint8Array): OmsBundle {
  if (bytes.length > MAX_OMS_BUNDLE_BYTES)
    throw omsError('OMS_MALFORMED', 'the signature is too long', {
      expected: `at most ${MAX_OMS_BUNDLE_BYTES} bytes`,
      found: `${bytes.length}`,
    })
  return refuseAs('OMS_MALFORMED', 'no model signature', () => {
    const { verificationMaterial, dsseEnvelope } = bundleDecoder(
      parseForeignJson(fromUtf8(bytes), 'the signature'),
      'bundle',
    )
    return {
      material: materialOf(verificationMaterial),
      payload: fromBase64(dsseEnvelope.payload),
      signature: fromBase64(dsseEnvelope.signatures[0]!.sig),
    }
  })
}

/** One kind of signer: what a bundle with two of them means depends on who reads it. */
function materialOf(material: Material): OmsMaterial {
  const kinds = [material.publicKey, material.x509CertificateChain, material.certificate]
  if (kinds.filter((kind) => kind !== undefined).length !== 1)
    throw jcsError('JCS_FIELD', 'verificationMaterial must have one kind of signer')
  if (material.x509CertificateChain !== undefined)
    return {
      kind: 'certificates',
      chain: material.x509CertificateChain.certificates.map(({ rawBytes }) => fromBase64(rawBytes)),
    }
  if (material.certificate !== undefined)
    return {
      kind: 'keyless',
      certificate: fromBase64(material.certificate.rawBytes),
      logEntries: material.tlogEntries ?? [],
    }
  const { hint } = material.publicKey!
  return {
    kind: 'key',
    hint: hint === undefined || hint === null || hint === '' ? undefined : hex(32)(hint, 'hint'),
  }
}
