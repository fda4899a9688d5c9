export { type DecodeAudioOptions, type DecodedAudio, decodeAudio, STALL_TIMEOUT_MS } from './decode-audio.ts'
export { BLOCK_SAMPLES, decodeAudioHere } from './decode-here.ts'
export { type AudioErrorCode, audioError, isAudioErrorCode } from './errors.ts'
export {
  type AudioLimits,
  MAX_AUDIO_BYTES,
  MAX_AUDIO_CHANNELS,
  MAX_AUDIO_SECONDS,
  MAX_SAMPLE_RATE,
  MIN_SAMPLE_RATE,
  OUTPUT_SAMPLE_RATE,
} from './limits.ts'
export type { AudioFormat, AudioInfo } from './open-audio.ts'
export { createResampler, type Resampler } from './resample/resampler.ts'
export { type LogMel, logMelSpectrogram, WHISPER_FRAMES, WHISPER_SAMPLES } from './features/log-mel.ts'
export { type SegmentOptions, segmentSpeech, type SpeechSegment } from './segment/segment-speech.ts'
export { DEFAULT_VOICE_ACTIVITY, segmentOptionsOf, type VoiceActivity } from './segment/voice-activity.ts'
