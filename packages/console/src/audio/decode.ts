import { wavHeader } from '@sotto/client/live'
import { pcm16, SAMPLE_RATE } from './pcm.ts'
import { peakMeter, type PeakMeter } from './peaks.ts'
import { samplesOfWav, type WavLayout, wavLayoutOf } from './wav.ts'

/** What a recording looks like. */
export interface DecodedSound {
  /** Undefined where this browser cannot tell. */
  seconds: number | undefined
  /** Of the whole, 0 to 255. Undefined: it cannot be drawn, or is too long to be decoded at once. */
  peaks: Uint8Array | undefined
}

/** As many as the widest drawing has. */
export const PEAKS = 1200

const HEAD_BYTES = 65_536
/** Samples of a WAV file are read in pieces of so many bytes, and the page answers in between. */
const PIECE_BYTES = 2 ** 21
/** Longer ones are not decoded at once: a browser holds each sample of each channel in four bytes. */
const MAX_DECODED_SECONDS = 30 * 60
/** What is converted here has to fit as a whole. */
export const MAX_CONVERTED_SECONDS: number = 90 * 60
/** A player that does not know the length by then will not. */
const LENGTH_MS = 15_000
/** Enough for a drawing, and the least that every browser takes. */
const DRAWING_RATE = 8000

/** Looks at a recording once. Never throws for what it cannot draw, only when it is cancelled. */
export async function decodeSound(file: Blob, signal: AbortSignal): Promise<DecodedSound> {
  const head = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer())
  const layout = wavLayoutOf(head)
  if (layout !== undefined) return wavSound(file, layout, signal)
  const seconds = await secondsOf(file)
  signal.throwIfAborted()
  if (seconds === undefined || seconds > MAX_DECODED_SECONDS) return { seconds, peaks: undefined }
  const sound = await decodeWhole(file, DRAWING_RATE).catch(() => undefined)
  signal.throwIfAborted()
  if (sound === undefined) return { seconds, peaks: undefined }
  const meter = peakMeter(sound.sampleRate)
  await addPieces(meter, sound.getChannelData(0), signal)
  return { seconds: sound.duration, peaks: meter.peaks(PEAKS) }
}

/**
 * A recording that the service does not read, as one that it does.
 * @returns undefined where this browser does not read it either, or it is too long to be converted at once
 */
export async function convertSound(file: Blob, signal: AbortSignal): Promise<Blob | undefined> {
  const seconds = await secondsOf(file)
  signal.throwIfAborted()
  if (seconds === undefined || seconds > MAX_CONVERTED_SECONDS) return undefined
  const sound = await decodeWhole(file, SAMPLE_RATE).catch(() => undefined)
  signal.throwIfAborted()
  if (sound === undefined) return undefined
  const pieces: BlobPart[] = [wavHeader(SAMPLE_RATE, 2 * sound.length)]
  const channels = Array.from({ length: sound.numberOfChannels }, (_, at) => sound.getChannelData(at))
  for (let at = 0; at < sound.length; at += PIECE_BYTES) {
    const end = Math.min(sound.length, at + PIECE_BYTES)
    const mixed = new Float32Array(end - at)
    for (const samples of channels)
      for (let i = 0; i < mixed.length; i++) mixed[i]! += samples[at + i]! / channels.length
    pieces.push(pcm16(mixed))
    await breathe()
    signal.throwIfAborted()
  }
  return new Blob(pieces, { type: 'audio/wav' })
}

async function wavSound(file: Blob, layout: WavLayout, signal: AbortSignal): Promise<DecodedSound> {
  const frame = (layout.bits / 8) * layout.channels
  const end = Math.min(file.size, layout.start + layout.bytes)
  const step = Math.floor(PIECE_BYTES / frame) * frame
  const meter = peakMeter(layout.rate)
  for (let at = layout.start; at < end; at += step) {
    meter.add(samplesOfWav(await bytesOf(file, at, Math.min(end, at + step)), layout))
    await breathe()
    signal.throwIfAborted()
  }
  return { seconds: meter.seconds, peaks: meter.peaks(PEAKS) }
}

async function bytesOf(file: Blob, from: number, to: number): Promise<Uint8Array> {
  return new Uint8Array(await file.slice(from, to).arrayBuffer())
}

async function addPieces(meter: PeakMeter, samples: Float32Array, signal: AbortSignal): Promise<void> {
  for (let at = 0; at < samples.length; at += PIECE_BYTES) {
    meter.add(samples.subarray(at, at + PIECE_BYTES))
    await breathe()
    signal.throwIfAborted()
  }
}

/** Resampled by the browser. No context of the sound card is opened for it. */
async function decodeWhole(file: Blob, rate: number): Promise<AudioBuffer> {
  return new OfflineAudioContext(1, 1, rate).decodeAudioData(await file.arrayBuffer())
}

/** How long a player says that it is; undefined where it cannot play it, or cannot tell. */
function secondsOf(file: Blob): Promise<number | undefined> {
  const url = URL.createObjectURL(file)
  const player = new Audio()
  return new Promise<number | undefined>((resolve) => {
    player.preload = 'metadata'
    player.addEventListener('loadedmetadata', () => {
      // A recording that was streamed has no length in its header: the end has to be looked for.
      if (player.duration !== Infinity) return resolve(player.duration)
      player.addEventListener('durationchange', () => resolve(player.duration), { once: true })
      player.currentTime = Number.MAX_SAFE_INTEGER
    })
    player.addEventListener('error', () => resolve(undefined))
    setTimeout(() => resolve(undefined), LENGTH_MS)
    player.src = url
  }).finally(() => {
    player.removeAttribute('src')
    player.load()
    URL.revokeObjectURL(url)
  })
}

/** Lets the page answer whoever uses it. */
function breathe(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0))
}
