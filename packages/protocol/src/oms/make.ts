import { toBase64, utf8 } from '../bytes/index.ts'
import { pae } from '../dsse/index.ts'
import { comparePaths, requireDistinctPaths, requireSafePath } from './paths.ts'
import { omsRootDigest } from './statement.ts'
import { BUNDLE_MEDIA_TYPE, OMS_PAYLOAD_TYPE, OMS_PREDICATE, OMS_STATEMENT_TYPE } from './types.ts'

/** Who signs a model: with a bare key (`hint`, see `omsKeyHint`), or with a chain of certificates, DER, signer first. */
export interface OmsSigner {
  identity: { hint: string } | { chain: readonly Uint8Array[] }
  /** ECDSA over the message with the hash of the key's curve, as DER. */
  sign(message: Uint8Array): Uint8Array
}

/**
 * Signs the files of a model: a Sigstore bundle that the reference implementation verifies. One resource for each
 * file, SHA-256, no links.
 *
 * @param files path and SHA-256 (hexadecimal) of every file that is not ignored, in any order
 * @throws `OMS_PATH` (stop) for names that a verifier would refuse
 */
export function signOms(
  model: {
    name: string
    files: readonly { path: string; digest: string }[]
    ignorePaths: readonly string[]
  },
  signer: OmsSigner,
): Uint8Array {
  const files = model.files.toSorted((a, b) => comparePaths(a.path, b.path))
  for (const path of [...files.map((file) => file.path), ...model.ignorePaths]) requireSafePath(path)
  requireDistinctPaths(files.map(({ path }) => path))
  const statement = {
    _type: OMS_STATEMENT_TYPE,
    subject: [{ name: model.name, digest: { sha256: omsRootDigest(files) } }],
    predicateType: OMS_PREDICATE,
    predicate: {
      serialization: {
        method: 'files',
        hash_type: 'sha256',
        allow_symlinks: false,
        ...(model.ignorePaths.length > 0 && { ignore_paths: model.ignorePaths.toSorted(comparePaths) }),
      },
      resources: files.map(({ path, digest }) => ({ name: path, algorithm: 'sha256', digest })),
    },
  }
  const payload = utf8(JSON.stringify(statement))
  const { identity } = signer
  return utf8(
    JSON.stringify({
      mediaType: BUNDLE_MEDIA_TYPE,
      verificationMaterial: {
        ...('hint' in identity
          ? { publicKey: { hint: identity.hint } }
          : {
              x509CertificateChain: {
                certificates: identity.chain.map((der) => ({ rawBytes: toBase64(der) })),
              },
            }),
        tlogEntries: [],
      },
      dsseEnvelope: {
        payload: toBase64(payload),
        payloadType: OMS_PAYLOAD_TYPE,
        signatures: [{ sig: toBase64(signer.sign(pae(OMS_PAYLOAD_TYPE, payload))), keyid: '' }],
      },
    }),
  )
}
