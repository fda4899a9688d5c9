import { type Decoder, object } from '../jcs/index.ts'
import { enclaveBindingDecoder, evidenceDecoder, noteText } from '../keyrelease/decode.ts'
import type { ReleaseRequest } from '../keyrelease/types.ts'

/**
 * What a room shows of itself: evidence of the machine, bound to keys of the room and to a checkpoint of the log. Shown
 * once for calls to it, and once for each run, with keys of that run alone.
 */
export type RoomEvidence = Omit<ReleaseRequest, 'artifacts'>

/** Longest {@link RoomEvidence} as JSON. */
export const MAX_ROOM_EVIDENCE_BYTES = 4_194_304

/** Decodes a {@link RoomEvidence}. @throws `JCS_FIELD` */
export const roomEvidenceDecoder: Decoder<RoomEvidence> = object<RoomEvidence>({
  evidence: evidenceDecoder,
  binding: enclaveBindingDecoder,
  checkpoint: noteText,
})
