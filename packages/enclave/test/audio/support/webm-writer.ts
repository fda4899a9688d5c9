import { be, bytesOf } from './bytes.ts'

/** How a test file is to be. */
export interface WebmOptions {
  /** Sizes of segment and clusters unknown, as browsers record. */
  live?: boolean
  /** Frames per block, joined by this lacing. */
  lacing?: 'none' | 'xiph' | 'fixed' | 'ebml'
  framesPerBlock?: number
  /** Nanoseconds to drop from the end, in a BlockGroup. */
  discardPadding?: number
  codec?: string
  /** Puts blocks of a second, video track between. */
  withVideo?: boolean
  encrypted?: boolean
}

/** Wraps Opus packets (without their headers) and an OpusHead into WebM. */
export function writeWebm(
  head: Uint8Array,
  packets: readonly Uint8Array[],
  options: WebmOptions = {},
): Uint8Array {
  const { live = false, lacing = 'none', framesPerBlock = 1, codec = 'A_OPUS' } = options
  const entry = bytesOf(
    element('d7', be(1, 1)),
    element('83', be(2, 1)),
    element('86', codec),
    element('63a2', head),
    options.encrypted ? element('6d80', bytesOf(element('6240', ''))) : '',
    element('e1', bytesOf(element('9f', be(head[9] ?? 1, 1)))),
  )
  const video = bytesOf(element('d7', be(2, 1)), element('83', be(1, 1)), element('86', 'V_VP8'))
  const tracks = element(
    '1654ae6b',
    bytesOf(options.withVideo ? element('ae', video) : '', element('ae', entry)),
  )
  const blocks: Uint8Array[] = []
  for (let i = 0; i < packets.length; i += framesPerBlock) {
    const frames = packets.slice(i, i + framesPerBlock)
    const isLast = i + framesPerBlock >= packets.length
    if (options.withVideo) blocks.push(element('a3', bytesOf(0x82, be(0, 2), 0x80, new Uint8Array(300))))
    const payload = block(frames, frames.length > 1 ? lacing : 'none')
    if (isLast && options.discardPadding !== undefined) {
      blocks.push(
        element('a0', bytesOf(element('a1', payload), element('75a2', be(options.discardPadding, 4)))),
      )
    } else {
      blocks.push(element('a3', payload))
    }
  }
  const clusters: Uint8Array[] = []
  for (let i = 0; i < blocks.length; i += 25) {
    clusters.push(element('1f43b675', bytesOf(element('e7', be(i, 2)), ...blocks.slice(i, i + 25)), live))
  }
  const header = element('1a45dfa3', bytesOf(element('4282', 'webm'), element('4287', be(4, 1))))
  return bytesOf(
    header,
    element('18538067', bytesOf(element('ec', new Uint8Array(40)), tracks, ...clusters), live),
  )
}

/** One EBML element; `unknown` leaves its size open. */
export function element(id: string, data: Uint8Array | string, unknown: boolean = false): Uint8Array {
  const idBytes = Uint8Array.from(id.match(/../g)!, (pair) => Number.parseInt(pair, 16))
  const size = unknown
    ? bytesOf(0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
    : bytesOf(0x10, be(data.length, 3))
  if (!unknown && data.length >= 2 ** 24) throw new RangeError('too long for a test')
  return bytesOf(idBytes, size, data)
}

function block(frames: readonly Uint8Array[], lacing: NonNullable<WebmOptions['lacing']>): Uint8Array {
  const flag = { none: 0, xiph: 1, fixed: 2, ebml: 3 }[lacing] << 1
  const head = bytesOf(0x81, be(0, 2), 0x80 | flag)
  if (lacing === 'none') return bytesOf(head, ...frames)
  return bytesOf(head, frames.length - 1, laceSizes(frames, lacing), ...frames)
}

function laceSizes(frames: readonly Uint8Array[], lacing: 'xiph' | 'fixed' | 'ebml'): Uint8Array {
  const sizes = frames.slice(0, -1).map((frame) => frame.length)
  if (lacing === 'fixed') return bytesOf()
  if (lacing === 'xiph') {
    return bytesOf(
      ...sizes.flatMap((size) => [...Array<number>(Math.floor(size / 255)).fill(255), size % 255]),
    )
  }
  // Two-byte numbers; differences are biased by 2^13 - 1.
  return bytesOf(
    ...sizes.map((size, i) => {
      const value = i === 0 ? size : size - sizes[i - 1]! + 8191
      return be(0x4000 | value, 2)
    }),
  )
}
