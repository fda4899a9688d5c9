import { reducePeaks } from '../../audio/peaks.ts'
import type { Segment } from './segments.ts'

/** What is drawn. */
export interface WaveformPicture {
  /** In pixels of the page. */
  width: number
  height: number
  peaks: Uint8Array | undefined
  segments: readonly Segment[]
  seconds: number
  time: number
  current: Segment | undefined
}

const BAR = 2
const GAP = 1
/** What was not played yet. */
const AHEAD_ALPHA = 0.38
const CURRENT_ALPHA = 0.14
/** Height of speech whose loudness nobody knows. */
const UNKNOWN = 110

/** Draws in the colour of the canvas. */
export function drawWaveform(canvas: HTMLCanvasElement, picture: WaveformPicture): void {
  const { width, height, seconds, time, current } = picture
  const ratio = globalThis.devicePixelRatio || 1
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)]
  if (canvas.width !== across) canvas.width = across
  if (canvas.height !== down) canvas.height = down
  const context = canvas.getContext('2d')
  if (context === null || width === 0) return
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  context.clearRect(0, 0, width, height)
  context.fillStyle = getComputedStyle(canvas).color
  const xOf = (second: number): number => (seconds > 0 ? (second / seconds) * width : 0)
  if (current !== undefined && time > 0) {
    context.globalAlpha = CURRENT_ALPHA
    context.fillRect(xOf(current.start), 0, Math.max(2, xOf(current.end) - xOf(current.start)), height)
  }
  const bars = barsOf(picture, Math.max(1, Math.floor(width / (BAR + GAP))))
  const played = xOf(time)
  for (let at = 0; at < bars.length; at++) {
    const x = (at / bars.length) * width
    const tall = Math.max(1.5, (bars[at]! / 255) * (height - 4))
    context.globalAlpha = x < played ? 1 : AHEAD_ALPHA
    context.fillRect(x, (height - tall) / 2, BAR, tall)
  }
  context.globalAlpha = 1
  if (played > 0) context.fillRect(Math.min(width - BAR, played), 0, BAR, height)
}

/** Without peaks, where speech was heard. */
function barsOf({ peaks, segments, seconds }: WaveformPicture, count: number): ArrayLike<number> {
  if (peaks !== undefined) return reducePeaks(peaks, count)
  const bars = new Uint8Array(count)
  if (seconds > 0)
    for (const { start, end } of segments)
      bars.fill(UNKNOWN, Math.floor((start / seconds) * count), Math.ceil((end / seconds) * count))
  return bars
}
