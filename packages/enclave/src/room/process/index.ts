export { encodeMessage, encodePiece, type Frame, FrameReader, MAX_FRAME_BYTES } from './frames.ts'
export {
  type Dialect,
  FIRST_INPUT_DESCRIPTOR,
  type ProcessEnd,
  RoomProcess,
  type RoomProcessOptions,
} from './room-process.ts'
