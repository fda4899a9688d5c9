import type { FrameSize } from '../graph/detect.ts'
import type { Picture } from './png.ts'

/**
 * Fits a picture into a frame as a camera would show it: as large as it fits, in the middle, black around it. Every pixel
 * is the mean of those it covers.
 */
export function toFrame({ width, height, rgb }: Picture, frame: FrameSize): Uint8Array {
  const scale = Math.max(width / frame.width, height / frame.height)
  const [wide, tall] = [Math.round(width / scale), Math.round(height / scale)]
  const [left, top] = [(frame.width - wide) >> 1, (frame.height - tall) >> 1]
  const out = new Uint8Array(frame.width * frame.height * 3)
  const columns = spans(wide, width)
  const rows = spans(tall, height)
  for (const [y, [firstRow, lastRow]] of rows.entries())
    for (const [x, [firstColumn, lastColumn]] of columns.entries()) {
      const sums = [0, 0, 0]
      for (let row = firstRow; row <= lastRow; row++)
        for (let column = firstColumn; column <= lastColumn; column++)
          for (let c = 0; c < 3; c++) sums[c]! += rgb[(row * width + column) * 3 + c]!
      const count = (lastRow - firstRow + 1) * (lastColumn - firstColumn + 1)
      for (let c = 0; c < 3; c++)
        out[((top + y) * frame.width + left + x) * 3 + c] = Math.round(sums[c]! / count)
    }
  return out
}

/** First and last of `size` pixels under each of `count`. */
function spans(count: number, size: number): [number, number][] {
  return Array.from({ length: count }, (_, i) => {
    const first = Math.floor((i * size) / count)
    return [first, Math.max(first, Math.ceil(((i + 1) * size) / count) - 1)]
  })
}
