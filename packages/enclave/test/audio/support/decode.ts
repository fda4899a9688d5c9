import { type AudioInfo, type AudioLimits, decodeAudioHere } from '../../../src/audio/index.ts'
import { join } from './signals.ts'

/** Decodes bytes in this thread. `chunk` is the size of the pieces they arrive in. */
export async function decodeBytes(
  bytes: Uint8Array,
  { chunk = 4096, ...limits }: Partial<AudioLimits> & { chunk?: number } = {},
): Promise<{ samples: Float32Array; info: AudioInfo }> {
  const blocks: Float32Array[] = []
  const decoding = decodeAudioHere(inChunks(bytes, chunk), limits)
  for (;;) {
    const { done, value } = await decoding.next()
    if (done) return { samples: join(blocks), info: value }
    blocks.push(value)
  }
}

/** The code a file is refused with, or `accepted`. Anything that is no refusal of ours is thrown on. */
export async function refusal(
  bytes: Uint8Array,
  limits: Partial<AudioLimits> & { chunk?: number } = {},
): Promise<string> {
  try {
    await decodeBytes(bytes, limits)
    return 'accepted'
  } catch (error) {
    const { code } = error as { code?: unknown }
    if (typeof code === 'string' && code.startsWith('AUDIO_')) return code
    throw error
  }
}

/** A byte source. */
export async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
