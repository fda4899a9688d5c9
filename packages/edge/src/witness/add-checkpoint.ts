import { fromBase64 } from '@sotto/protocol/bytes'
import { type Note, parseCheckpoint, parseNote, type Checkpoint } from '@sotto/protocol/note'
import { edgeError } from '../errors.ts'

/** C2SP tlog-witness: a client sends no more proof lines than this. */
const MAX_PROOF_LINES = 63

/** A parsed `add-checkpoint` body; nothing about it is verified. */
export interface AddCheckpoint {
  oldSize: number
  proof: Uint8Array[]
  note: Note
  checkpoint: Checkpoint
}

/** Structure of an `add-checkpoint` body (C2SP tlog-witness). @throws `WITNESS_MALFORMED` */
export function parseAddCheckpoint(body: string): AddCheckpoint {
  const end = body.indexOf('\n\n')
  const [first = '', ...lines] = body.slice(0, Math.max(end, 0)).split('\n')
  const oldSize = Number(/^old (0|[1-9]\d{0,15})$/.exec(first)?.[1])
  if (!Number.isSafeInteger(oldSize)) throw malformed('the first line is not the old size')
  if (lines.length > MAX_PROOF_LINES) throw malformed('the proof is too long')
  try {
    const proof = lines.map((line) => fromBase64(line))
    if (proof.some((hash) => hash.length !== 32)) throw malformed('a proof line is not a hash')
    const note = parseNote(body.slice(end + 2))
    return { oldSize, proof, note, checkpoint: parseForeignCheckpoint(note.text) }
  } catch (cause) {
    throw malformed('proof or checkpoint is malformed', cause)
  }
}

/**
 * A checkpoint of any log. Its first three lines say what a witness vouches for; other lines a log may add
 * (C2SP tlog-checkpoint), and they are cosigned with the rest without a statement about them.
 */
function parseForeignCheckpoint(text: string): Checkpoint {
  const lines = text.split('\n')
  if (lines.slice(0, -1).includes('')) throw malformed('the checkpoint has an empty line')
  return parseCheckpoint(`${lines.slice(0, 3).join('\n')}\n`)
}

function malformed(message: string, cause?: unknown): Error {
  return edgeError('WITNESS_MALFORMED', message, { cause })
}
