import { crypto } from '@sotto/protocol/crypto-backend'
import { softwareRootDigest } from '@sotto/verifier'
import { signSoftwareReport } from '@sotto/verifier/software-signer'
import { encodePiece } from './encode.ts'
import type { FakeTee } from './types.ts'

/** A machine of the software TEE, and its root. */
export interface SoftwareTee extends FakeTee {
  root: { privateKey: Uint8Array; publicKey: Uint8Array; digest: string }
}

/** A machine with a root of its own. */
export function softwareTee(): SoftwareTee {
  const keys = crypto.ecdsa.generate('P-384')
  const root = { ...keys, digest: softwareRootDigest(keys.publicKey) }
  const chipId = crypto.randomBytes(64)
  return {
    root,
    platform: { name: 'software', allOf: [{ family: 'software', roots: [root.digest] }] },
    pins: ({ measurement, hostData }) => ({
      family: 'software',
      measurements: [measurement],
      hostData: [hostData],
    }),
    evidence: (image, reportData) => [
      encodePiece('software', signSoftwareReport({ ...image, reportData, chipId }, root.privateKey), {
        root: root.publicKey,
      }),
    ],
  }
}
