export { Channel, type ChannelHandlers } from './channel.ts'
export { encodeFrame, type Frame, type FrameHeader, FrameReader, MAX_FRAME_PAYLOAD } from './frame.ts'
export {
  bytesToFloats,
  decodeItem,
  DEFAULT_MAX_ITEM_BYTES,
  encodeItem,
  floatBytes,
  type Item,
  MAX_BLOBS,
} from './item.ts'
export { ChannelStream, WINDOW } from './stream.ts'
