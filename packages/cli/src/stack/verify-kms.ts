import { VerificationRefused } from '@sotto/client'
import { composeTrustBundle, tileProver, type KmsState } from '@sotto/protocol/evidence'
import { type TileReader } from '@sotto/protocol/merkle'
import { tilePath } from '@sotto/protocol/tile-path'
import { parseCheckpoint, parseNote } from '@sotto/protocol/note'
import { verifyTrustBundle, type TrustedService, type TrustPolicy } from '@sotto/verifier'
import { callJson } from './http.ts'

/** Reads tiles of a log over HTTP; proofs built from them are checked against signed roots. */
export function tileReader(logUrl: string): TileReader {
  return async (tile) => new Uint8Array(await (await fetch(`${logUrl}/log/${tilePath(tile)}`)).arrayBuffer())
}

/**
 * Verifies a KMS as any client would, before a model owner gives it a key.
 * @throws `VERIFY_REFUSED` (stop) naming the failed steps
 */
export async function verifyKms(
  kmsUrl: string,
  logUrl: string,
  policy: TrustPolicy,
  now: number,
): Promise<TrustedService> {
  const state = await callJson<KmsState>(`${kmsUrl}/v1/keys`)
  const checkpoint = await (await fetch(`${logUrl}/log/checkpoint`)).text()
  const { size } = parseCheckpoint(parseNote(checkpoint).text)
  const bundle = await composeTrustBundle(state, checkpoint, tileProver(size, tileReader(logUrl)))
  const { verdict, service } = verifyTrustBundle(bundle, policy, { now })
  if (service) return service
  throw new VerificationRefused(verdict)
}
