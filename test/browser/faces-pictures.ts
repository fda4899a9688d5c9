import { crc32, deflateSync } from 'node:zlib'

/**
 * Faces drawn here, for tests: no pictures of people come with this repository. The detector takes them for faces, which
 * is all that is asked of them.
 */

/** Pixels, red first. */
export interface Drawing {
  width: number
  height: number
  rgb: Uint8Array
}

/** Somebody who does not exist. */
export interface Person {
  skin: Colour
  hair: Colour
  shirt: Colour
  fringe: boolean
  /** Width of face and of mouth, and how far the eyes are apart. */
  face: number
  mouth: number
  eyes: number
  brows: number
  beard: boolean
  glasses: boolean
}

type Colour = readonly [number, number, number]

export const ALICE: Person = {
  skin: [224, 172, 140],
  hair: [50, 32, 20],
  shirt: [40, 60, 120],
  fringe: false,
  face: 50,
  mouth: 16,
  eyes: 20,
  brows: -4,
  beard: false,
  glasses: false,
}
export const BOB: Person = {
  skin: [198, 134, 96],
  hair: [25, 22, 22],
  shirt: [120, 40, 50],
  fringe: true,
  face: 54,
  mouth: 22,
  eyes: 23,
  brows: 3,
  beard: true,
  glasses: false,
}
export const STRANGER: Person = {
  skin: [236, 196, 168],
  hair: [236, 196, 168],
  shirt: [60, 110, 70],
  fringe: false,
  face: 58,
  mouth: 26,
  eyes: 21,
  brows: 8,
  beard: false,
  glasses: true,
}

/** Where somebody stands: middle of the face in a frame of 320 by 240, and size. */
export interface Pose {
  x?: number
  y?: number
  scale?: number
  /** Light, 1 is as drawn. */
  light?: number
}

/** Draws people before a grey wall. */
export function draw(
  people: readonly (readonly [Person, Pose])[],
  { width, height } = { width: 320, height: 240 },
): Drawing {
  const wall: Colour = [92, 110, 120]
  const rgb = Float32Array.from({ length: width * height * 3 }, (_, i) => wall[i % 3]!)
  const canvas = { width, height, rgb }
  const zoom = width / 320
  for (const [person, { x = 160, y = 120, scale = 1, light = 1 }] of people)
    drawPerson(canvas, person, x * zoom, y * zoom, scale * zoom, light)
  blur(canvas, 1.6 * zoom)
  return { width, height, rgb: Uint8Array.from(rgb) }
}

interface Canvas {
  width: number
  height: number
  rgb: Float32Array
}

function drawPerson(canvas: Canvas, who: Person, cx: number, cy: number, s: number, light: number): void {
  const ellipse = (x: number, y: number, rx: number, ry: number, colour: Colour, tone = 1): void =>
    fill(
      canvas,
      (px, py) => ((px - cx - x * s) / (rx * s)) ** 2 + ((py - cy - y * s) / (ry * s)) ** 2 <= 1,
      colour,
      tone * light,
      { x: cx + x * s, y: cy + y * s, rx: rx * s, ry: ry * s },
    )
  ellipse(0, 70, 22, 30, who.skin, 0.8)
  ellipse(0, 130, 90, 50, who.shirt)
  ellipse(0, -12, who.face + 8, 72, who.hair)
  ellipse(0, 5, who.face, 65, who.skin)
  if (who.beard) ellipse(0, 52, who.face * 0.7, 20, who.hair, 1.6)
  if (who.fringe) ellipse(0, -45, who.face, 30, who.hair)
  for (const side of [-1, 1]) {
    const x = side * who.eyes
    if (who.glasses) {
      ellipse(x, -5, 19, 15, [20, 20, 24])
      ellipse(x, -5, 15, 11, who.skin)
    }
    ellipse(x, -12, 12, 4, who.skin, 0.75)
    ellipse(x, -5, 11, 6, [245, 245, 245])
    ellipse(x, -5, 5, 5, [45, 30, 20])
    for (let i = -12; i <= 12; i += 2)
      ellipse(x + i, -20 + (side * i * who.brows) / 24, 2.5, 2, who.hair, 1.2)
  }
  for (let i = 0; i <= 20; i += 2) ellipse(0, i, 1 + i * 0.36, 2.2, who.skin, 0.82)
  ellipse(0, 24, 9, 4, who.skin, 0.7)
  ellipse(0, 42, who.mouth, 6, [150, 60, 60])
  ellipse(0, 42, who.mouth * 0.9, 1.4, [90, 30, 30])
}

/** Fills a shape, each edge as smooth as 3 by 3 samples make it. */
function fill(
  { width, height, rgb }: Canvas,
  isInside: (x: number, y: number) => boolean,
  colour: Colour,
  tone: number,
  { x, y, rx, ry }: { x: number; y: number; rx: number; ry: number },
): void {
  const from = (middle: number, radius: number): number => Math.max(0, Math.floor(middle - radius))
  const to = (middle: number, radius: number, size: number): number =>
    Math.min(size - 1, Math.ceil(middle + radius))
  for (let row = from(y, ry); row <= to(y, ry, height); row++)
    for (let column = from(x, rx); column <= to(x, rx, width); column++) {
      let covered = 0
      for (let i = 0; i < 9; i++)
        if (isInside(column + ((i % 3) + 0.5) / 3, row + (Math.floor(i / 3) + 0.5) / 3)) covered++
      for (let c = 0; c < 3; c++) {
        const at = (row * width + column) * 3 + c
        rgb[at] = rgb[at]! + ((Math.min(255, colour[c]! * tone) - rgb[at]!) * covered) / 9
      }
    }
}

/** A Gaussian, along rows and then along columns. */
function blur({ width, height, rgb }: Canvas, sigma: number): void {
  const radius = Math.ceil(sigma * 2.5)
  const kernel = Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp(-((i - radius) ** 2) / (2 * sigma * sigma)),
  )
  const sum = kernel.reduce((total, weight) => total + weight, 0)
  for (const [lines, length, step, next] of [
    [height, width, 3, width * 3],
    [width, height, width * 3, 3],
  ] as const) {
    const line = new Float32Array(length)
    for (let i = 0; i < lines; i++)
      for (let c = 0; c < 3; c++) {
        const start = i * next + c
        for (let j = 0; j < length; j++) {
          let total = 0
          for (let k = 0; k < kernel.length; k++) {
            const from = Math.min(length - 1, Math.max(0, j + k - radius))
            total += rgb[start + from * step]! * kernel[k]!
          }
          line[j] = total / sum
        }
        for (let j = 0; j < length; j++) rgb[start + j * step] = line[j]!
      }
  }
}

/** A PNG of 8 bits, each row with another filter: `readPng` of the example has to take all of them back. */
export function toPng({ width, height, rgb }: Drawing): Buffer {
  const stride = width * 3
  const rows = Buffer.alloc(height * (stride + 1))
  for (let row = 0; row < height; row++) {
    const filter = row % 5
    rows[row * (stride + 1)] = filter
    for (let i = 0; i < stride; i++) {
      const at = row * stride + i
      const left = i < 3 ? 0 : rgb[at - 3]!
      const above = row === 0 ? 0 : rgb[at - stride]!
      const corner = row === 0 || i < 3 ? 0 : rgb[at - stride - 3]!
      const guess = filter === 4 ? paeth(left, above, corner) : [0, left, above, (left + above) >> 1][filter]!
      rows[row * (stride + 1) + 1 + i] = rgb[at]! - guess
    }
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2, 0, 0, 0], 8)
  const chunk = (type: string, body: Buffer): Buffer => {
    const content = Buffer.concat([Buffer.from(type, 'latin1'), body])
    const out = Buffer.alloc(content.length + 8)
    out.writeUInt32BE(body.length, 0)
    content.copy(out, 4)
    out.writeUInt32BE(crc32(content), content.length + 4)
    return out
  }
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

/** Whichever is nearest to their plane; of equals the first (PNG, 9.4). */
function paeth(...neighbours: [left: number, above: number, corner: number]): number {
  const plane = neighbours[0] + neighbours[1] - neighbours[2]
  return neighbours.toSorted((a, b) => Math.abs(plane - a) - Math.abs(plane - b))[0]!
}

/** A YUV4MPEG2 film, which Chromium plays as a camera (`--use-file-for-fake-video-capture`). */
export function toY4m(frames: readonly Drawing[], perSecond: number): Buffer {
  const { width, height } = frames[0]!
  const parts = [Buffer.from(`YUV4MPEG2 W${width} H${height} F${perSecond}:1 Ip A1:1 C420jpeg\n`)]
  for (const { rgb } of frames) {
    // JFIF: whole range, Cb and Cr one for 2 by 2 pixels.
    const [luma, cb, cr] = [width * height, 0, 0].map((size) => Buffer.alloc(size || (width * height) / 4))
    for (let i = 0; i < width * height; i++) {
      const [r, g, b] = [rgb[i * 3]!, rgb[i * 3 + 1]!, rgb[i * 3 + 2]!]
      luma![i] = 0.299 * r + 0.587 * g + 0.114 * b
      const [row, column] = [Math.floor(i / width), i % width]
      if (row % 2 || column % 2) continue
      const at = (row / 2) * (width / 2) + column / 2
      cb![at] = 128 - 0.1687 * r - 0.3313 * g + 0.5 * b
      cr![at] = 128 + 0.5 * r - 0.4187 * g - 0.0813 * b
    }
    parts.push(Buffer.from('FRAME\n'), luma!, cb!, cr!)
  }
  return Buffer.concat(parts)
}
