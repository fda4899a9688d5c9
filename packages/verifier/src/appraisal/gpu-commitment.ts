import { concat, fromHex, toHex, uint, utf8 } from '@sotto/protocol/bytes'
import { publicCrypto } from '@sotto/protocol/crypto-backend'

/** Length of a binding, as REPORT_DATA of SNP, TDX and SGX carries it. */
export const BINDING_BYTES = 64

const NONCE_TYPE = 'application/vnd.sotto.gpu-nonce.v1'
const COMMITMENT_TYPE = 'application/vnd.sotto.gpu-commitment.v1'

/**
 * Nonce that every GPU of a machine answers, derived from what the processor is bound to: the boot's keys
 * and a witnessed checkpoint. Evidence of a GPU that was asked by somebody else answers another nonce.
 *
 * @param binding 64 bytes
 * @returns 32 bytes
 */
export function gpuNonce(binding: Uint8Array): Uint8Array {
  return publicCrypto.sha256(encode(NONCE_TYPE, requireBinding(binding)))
}

/**
 * What the evidence of a processor beside GPUs carries instead of the binding itself (T9): SHA-512 over the
 * type of this encoding, the binding, the number of GPUs (4 bytes), and the SHA-256 of the evidence of each,
 * ascending, for GPUs have no order. Every part is preceded by its length, 8 bytes; numbers are big-endian. No
 * part can run into the next, and a processor that commits to other GPUs, to more or to fewer, carries another
 * value.
 *
 * @param binding 64 bytes
 * @param gpuEvidence evidence of each GPU, at least one
 * @returns 64 bytes
 */
export function commitToGpus(binding: Uint8Array, gpuEvidence: readonly Uint8Array[]): Uint8Array {
  if (gpuEvidence.length === 0) throw new TypeError('a commitment to no GPU is the binding itself')
  const digests = gpuEvidence.map((evidence) => toHex(publicCrypto.sha256(evidence))).sort()
  return publicCrypto.sha512(
    encode(COMMITMENT_TYPE, requireBinding(binding), uint(digests.length, 4), ...digests.map(fromHex)),
  )
}

function encode(type: string, ...parts: readonly Uint8Array[]): Uint8Array {
  return concat(...[utf8(type), ...parts].flatMap((part) => [uint(part.length, 8), part]))
}

function requireBinding(binding: Uint8Array): Uint8Array {
  if (binding.length !== BINDING_BYTES) throw new TypeError(`a binding has ${BINDING_BYTES} bytes`)
  return binding
}
