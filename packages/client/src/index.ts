export { checkTrust, connect } from './connect.ts'
export { clientError, type ClientErrorCode, VerificationRefused } from './errors.ts'
export { readServerSentEvents } from './sse/index.ts'
export { APP_ORIGIN, INNER_ORIGIN } from './transport/index.ts'
export { paddedLength } from '@sotto/protocol/sizes'
export { modelOwner } from './models/owner.ts'
export type {
  ModelAbout,
  ModelFiles,
  ModelOwner,
  PublishedModel,
  PublishOptions,
  SottoModels,
} from './models/index.ts'
export type { LiveEvent, LiveOptions, LiveTranscription } from './live/index.ts'
export type { WebSocketClass } from './transport/index.ts'
export type { TokenOptions, TokenShelf } from './tokens/index.ts'
export { textsOf } from './tensors/from-raw.ts'
export type {
  ModelSignature,
  RunOptions,
  RunResult,
  SottoTensors,
  TensorArray,
  TensorElements,
  TensorInput,
  TensorOutput,
  TensorPort,
} from './tensors/index.ts'
export type { CheckOptions, ConnectOptions, ReceiptRecord, Sotto, SottoStorage } from './types.ts'
