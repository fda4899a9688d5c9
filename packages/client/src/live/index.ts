export { wavHeader } from './wav-stream.ts'
export { transcribeLive } from './transcribe-live.ts'
export type { LiveEvent, LiveOptions, LiveTranscription } from './types.ts'
