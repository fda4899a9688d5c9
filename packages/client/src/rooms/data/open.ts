import {
  type Name,
  openOutputKey,
  requireOutput,
  type SealedOutput,
  verifySealedOutput,
} from '@sotto/protocol/contract'
import type { Digest, Ed25519Key } from '@sotto/protocol/keyrelease'
import { openArtifact, type RangeReader, sealedBytes } from '@sotto/protocol/sealed'
import { clientError } from '../../errors.ts'
import type { RoomParty } from '../party.ts'
import { maxSealedBytes, outputReader } from './output-reader.ts'

/** Which run it has to be of, and how much of it is taken. */
export interface OpenOutputOptions {
  /** Name of the run. */
  run: Digest
  /** Of the run's offer, whose evidence was verified: who has it is the room. */
  receiptKey: Ed25519Key
  /** Bytes of output at most, which are held in memory. @default 2^30 */
  maxBytes?: number
}

/** An output that its room made for this party: its statement is signed, and it is what was stated to the last byte. */
export interface OpenedOutput {
  name: Name
  content: Uint8Array
  stated: SealedOutput
  /** By which whoever has the content finds it among what its run let out (`outputDigest`): 32 bytes, base64url. */
  salt: string
}

const DEFAULT_MAX_BYTES = 2 ** 30

/**
 * Opens an output of a run. Nothing is read before its statement is verified, and nothing is given away before all of it
 * is what was stated.
 *
 * @param envelope of the output, from anywhere
 * @param reader reads the sealed file of that digest, of at most so many bytes: that of a board. Its keeper is not trusted
 * @param name this party's name in the contract
 * @throws `ROOM_OUTPUT`; `CONTRACT_MALFORMED`, `CONTRACT_SIGNATURE`, `CONTRACT_OTHER`, `CONTRACT_PARTY` it is for others;
 *   `WRAP_FAILED`, `SEALED_MALFORMED`, `SEALED_KEY`, `SEALED_TAMPERED`; what the reader throws
 *
 * @example
 * const { content } = await openOutput(envelope, board.reader, party, 'bank', { run, receiptKey: offer.receiptKey })
 */
export async function openOutput(
  envelope: string,
  reader: (digest: Digest, maxBytes: number) => RangeReader,
  party: Pick<RoomParty, 'sealing'>,
  name: Name,
  { run, receiptKey, maxBytes = DEFAULT_MAX_BYTES }: OpenOutputOptions,
): Promise<OpenedOutput> {
  const stated = verifySealedOutput(envelope, { run, receiptKey })
  if (stated.bytes > maxBytes)
    throw clientError('ROOM_OUTPUT', 'the output is larger than what is taken here', {
      expected: `at most ${maxBytes} bytes`,
      found: `${stated.bytes}`,
    })
  const contentKey = openOutputKey(stated, name, party.sealing)
  const file = outputReader(reader(stated.sealed, maxSealedBytes(stated.bytes)))
  let opened: Awaited<ReturnType<typeof openArtifact>>
  try {
    opened = await openArtifact(file.read, contentKey, stated.artifact)
  } finally {
    contentKey.fill(0)
  }
  // Another receiver has the content key too, and could have sealed anything with it.
  if (opened.header.plaintextBytes !== stated.bytes)
    throw clientError('ROOM_OUTPUT', 'the sealed file is not as long as its room stated', {
      expected: `${stated.bytes} bytes of output`,
      found: `${opened.header.plaintextBytes}`,
    })
  file.readUpTo(sealedBytes(opened.header))
  const content = new Uint8Array(stated.bytes)
  let filled = 0
  for await (const chunk of opened.content) {
    content.set(chunk, filled)
    filled += chunk.length
  }
  if (file.digest() !== stated.sealed)
    throw clientError('ROOM_OUTPUT', 'this is not the sealed file that the room stated', {
      expected: stated.sealed,
    })
  const { salt } = requireOutput(opened.metadata, content, stated)
  return { name: stated.output, content, stated, salt }
}
