import { createHash } from 'node:crypto'
import { toBase64Url, toHex } from '@sotto/protocol/bytes'
import {
  encodeOutputMetadata,
  type OutputOf,
  outputDigest,
  type Party,
  type SealedOutput,
  signSealedOutput,
  wrapOutputKeys,
} from '@sotto/protocol/contract'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { PreparedSigner } from '@sotto/protocol/dsse'
import { sealArtifact } from '@sotto/protocol/sealed'

/** An output of a run, in clear, inside the room. */
export interface ClearOutput {
  output: string
  bytes: Uint8Array
  /** 32 random bytes: without them nobody guesses the output by its digest. */
  salt: Uint8Array
  /** `outputDigest` of it. */
  digest: string
}

/** Gives an output the salt and digest that it is named by from now on. */
export function nameOutput(output: string, bytes: Uint8Array): ClearOutput {
  const salt = crypto.randomBytes(32)
  return { output, bytes, salt, digest: outputDigest(salt, [bytes]) }
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

/**
 * Seals an output to these parties and to nobody else, under a content key of this sealing alone.
 * @param signer of the run's receipt key
 */
export async function sealOutput(
  { output, bytes, salt, digest }: ClearOutput,
  receivers: readonly Party[],
  { genesis, contract, run }: Pick<OutputOf, 'genesis' | 'contract' | 'run'>,
  signer: PreparedSigner,
): Promise<LeavingOutput> {
  const contentKey = crypto.randomBytes(32)
  try {
    const metadata = encodeOutputMetadata({
      format: 'sotto-room-output-content/1',
      run,
      output,
      salt: toBase64Url(salt),
    })
    const { id, sealed } = sealArtifact({
      contentKey,
      plaintextBytes: bytes.length,
      metadata,
      chunkBytes: CHUNK_BYTES,
      id: toHex(crypto.randomBytes(16)),
      source: once(bytes),
    })
    const file = Buffer.concat(await Array.fromAsync(sealed))
    const of = { genesis, contract, run, output, artifact: id }
    const document: SealedOutput = {
      format: 'sotto-room-output/1',
      ...of,
      digest,
      bytes: bytes.length,
      sealed: createHash('sha256').update(file).digest('hex'),
      keys: wrapOutputKeys(of, receivers, contentKey),
    }
    return { envelope: signSealedOutput(document, signer), digest: document.sealed, sealed: file }
  } finally {
    contentKey.fill(0)
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
