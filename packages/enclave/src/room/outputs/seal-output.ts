import { createHash } from 'node:crypto'
import { toBase64Url } from '@sotto/protocol/bytes'
import {
  encodeOutputMetadata,
  type OutputOf,
  type Party,
  type SealedOutput,
  signSealedOutput,
  wrapOutputKeys,
} from '@sotto/protocol/contract'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { PreparedSigner } from '@sotto/protocol/dsse'
import { chunkCount, chunkRange, createSealer, sealedBytes } from '@sotto/protocol/sealed'
import { createGiveWay } from '../../pause/index.ts'

/** An output of a run, in clear, inside the room. */
export interface ClearOutput {
  output: string
  bytes: Uint8Array
  /** 32 random bytes: without them nobody guesses the output by its digest. */
  salt: Uint8Array
  /** `outputDigest` of it. */
  digest: string
}

/**
 * Gives an output the salt and digest that it is named by from now on. Others have their turns meanwhile.
 * @throws the reason of `signal`
 */
export async function nameOutput(
  output: string,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<ClearOutput> {
  const giveWay = createGiveWay()
  const salt = crypto.randomBytes(32)
  // `outputDigest` of protocol, which takes all of it at once.
  const hash = createHash('sha256').update(salt)
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    hash.update(bytes.subarray(at, at + PIECE_BYTES))
    await giveWay(signal)
  }
  return { output, bytes, salt, digest: hash.digest('hex') }
}

/** An output as it leaves the room. */
export interface LeavingOutput {
  /** Envelope of a `SealedOutput`. */
  envelope: string
  /** SHA-256 of the sealed file. */
  digest: string
  sealed: Uint8Array
}

/** Content of each chunk but the last. */
const CHUNK_BYTES = 262_144
/** What is hashed before others have their turn. */
const PIECE_BYTES = 1024 * 1024

/**
 * Seals an output to these parties and to nobody else, under a content key of this sealing alone. Others have their turns
 * meanwhile: whoever ends the run may overwrite the output then, and nothing of that leaves.
 * @param signer of the run's receipt key
 * @throws the reason of `signal`
 */
export async function sealOutput(
  { output, bytes, salt, digest }: ClearOutput,
  receivers: readonly Party[],
  { genesis, contract, run }: Pick<OutputOf, 'genesis' | 'contract' | 'run'>,
  signer: PreparedSigner,
  signal: AbortSignal,
): Promise<LeavingOutput> {
  const giveWay = createGiveWay()
  const contentKey = crypto.randomBytes(32)
  try {
    const metadata = encodeOutputMetadata({
      format: 'sotto-room-output-content/1',
      run,
      output,
      salt: toBase64Url(salt),
    })
    const { header, headerBytes, sealChunk } = createSealer({
      contentKey,
      plaintextBytes: bytes.length,
      metadata,
      chunkBytes: CHUNK_BYTES,
    })
    const hash = createHash('sha256').update(headerBytes)
    const file = new Uint8Array(sealedBytes(header))
    file.set(headerBytes)
    for (let index = 0; index < chunkCount(header); index++) {
      const chunk = sealChunk(index, bytes.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES))
      hash.update(chunk)
      file.set(chunk, chunkRange(header, index).start)
      await giveWay(signal)
    }
    const of = { genesis, contract, run, output, artifact: header.id }
    const document: SealedOutput = {
      format: 'sotto-room-output/1',
      ...of,
      digest,
      bytes: bytes.length,
      sealed: hash.digest('hex'),
      keys: wrapOutputKeys(of, receivers, contentKey),
    }
    return { envelope: signSealedOutput(document, signer), digest: document.sealed, sealed: file }
  } finally {
    contentKey.fill(0)
  }
}
