/** Containers this build reads. */
export type AudioFormat = 'wav' | 'aiff' | 'flac' | 'mp3' | 'ogg' | 'webm'

/** What is known of a recording after it was decoded to its end. */
export interface AudioInfo {
  readonly format: AudioFormat
  /** For people and logs of the client: `pcm_s16le`, `opus`, `mp3`... */
  readonly codec: string
  /** Rate of the recording in Hz, before resampling. Opus is always 48000. */
  readonly sampleRate: number
  /** Channels of the recording, before mixing down. */
  readonly channels: number
  /** Length of the sound. */
  readonly durationSeconds: number
  /** Samples delivered at 16 kHz. */
  readonly samples: number
}

/** A recording whose header was parsed; nothing of the sound has been decoded yet. */
export interface OpenAudio {
  readonly format: AudioFormat
  readonly codec: string
  readonly sampleRate: number
  readonly channels: number
  /** Rate of the blocks below: `sampleRate`, or what the decoder gives directly. */
  readonly decodedRate: number
  /** Frames the header promises, when it does. A claim of the client, checked by the decoder. */
  readonly declaredFrames?: number
  /** Mono blocks at `decodedRate`, once. A block never holds more than a few MB. */
  blocks(): AsyncGenerator<Float32Array>
}
