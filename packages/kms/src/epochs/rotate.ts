import { fromBase64Url } from '@sotto/protocol/bytes'
import { parseDsse, verifyDsse } from '@sotto/protocol/dsse'
import { hasCode } from '@sotto/protocol/errors'
import { hex, integer, object } from '@sotto/protocol/jcs'
import { decodeDocument, type Digest, type Genesis } from '@sotto/protocol/keyrelease'
import { kmsError } from '../errors.ts'

/** DSSE payload type of a rotation request. */
export const ROTATE_PAYLOAD_TYPE = 'application/vnd.sotto.rotate+json'

/** What a member signs to ask for new request keys now. */
export interface RotateRequest {
  genesis: Digest
  /** The epoch the member saw: a copied request is worth nothing once it has been followed. */
  epoch: number
}

const rotateDecoder: (value: unknown, path: string) => RotateRequest = object({
  genesis: hex(32),
  epoch: integer(0),
})

/**
 * Judges a `POST /v1/rotate` body: a DSSE envelope of {@link RotateRequest} by one member.
 * @throws `KMS_REQUEST_MALFORMED`, `KMS_NOT_AUTHORIZED`, `KMS_WRONG_GENESIS`, `KMS_EPOCH_CONFLICT`
 */
export function judgeRotation(body: Uint8Array, genesis: Genesis, digest: Digest, epoch: number): void {
  const request = verifyRotation(body, genesis)
  if (request.genesis !== digest) throw kmsError('KMS_WRONG_GENESIS', 'the request is meant for another KMS')
  if (request.epoch === epoch) return
  throw kmsError('KMS_EPOCH_CONFLICT', 'the request was signed for another epoch', {
    expected: `${epoch}`,
    found: `${request.epoch}`,
  })
}

function verifyRotation(body: Uint8Array, genesis: Genesis): RotateRequest {
  try {
    const members = genesis.members.map((member) => fromBase64Url(member.key))
    return decodeDocument(
      verifyDsse(parseDsse(body), ROTATE_PAYLOAD_TYPE, members).payload,
      rotateDecoder,
      'rotation',
    )
  } catch (cause) {
    if (hasCode(cause, 'DSSE_SIGNATURE'))
      throw kmsError('KMS_NOT_AUTHORIZED', 'no member signed the request', { cause })
    throw kmsError('KMS_REQUEST_MALFORMED', 'the request is malformed', { cause })
  }
}
