export { noteError, type NoteErrorCode } from './errors.ts'
export { parseVerifierKey, verifierKey, type NoteKeyType, type VerifierKey } from './keys.ts'
export {
  cosign,
  cosignatureTime,
  isSignedBy,
  parseNote,
  signNote,
  verifierKeyOf,
  type Note,
  type NoteSignature,
  type NoteSigner,
} from './note.ts'
export {
  checkpointDigest,
  checkpointText,
  parseCheckpoint,
  verifyCheckpoint,
  type Checkpoint,
  type CheckpointRequirements,
  type VerifiedCheckpoint,
} from './checkpoint.ts'
