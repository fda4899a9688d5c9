import { itemHeader, MAX_DATA_ITEMS, MAX_ITEM_BYTES } from '@sotto/protocol/room'
import { type DataFiles, type DataSource, hasMagic, inOrder, partOf, piecesOf, refused } from './source.ts'

/** Bytes of the beginning that say what a recording or an image is. */
const SNIFF_BYTES = 16

type Magic = readonly (readonly [offset: number, magic: string])[]

/** What a kind of items is made of. Names of files say nothing. */
interface ItemFormats {
  what: string
  expected: string
  magics: readonly Magic[]
  /** What begins with no fixed bytes. */
  isOther?: (head: Uint8Array) => boolean
}

const FORMATS: Readonly<Record<'audio' | 'image', ItemFormats>> = {
  audio: {
    what: 'recording',
    expected: 'WAV, FLAC, Ogg, MP3, WebM or AIFF',
    magics: [
      ...['RIFF', 'RF64', 'BW64'].map((magic): Magic => [
        [0, magic],
        [8, 'WAVE'],
      ]),
      ...['AIFF', 'AIFC'].map((magic): Magic => [
        [0, 'FORM'],
        [8, magic],
      ]),
      [[0, 'fLaC']],
      [[0, 'OggS']],
      [[0, '\x1a\x45\xdf\xa3']],
      [[0, 'ID3']],
    ],
    // The sync word of MPEG audio; its layer 00 is none there, and AAC uses it.
    isOther: ([first = 0, second = 0]) => first === 0xff && (second & 0xe0) === 0xe0 && (second & 0x06) !== 0,
  },
  image: {
    what: 'image',
    expected: 'PNG, JPEG or WebP',
    magics: [
      [[0, '\x89PNG\r\n\x1a\n']],
      [[0, '\xff\xd8\xff']],
      [
        [0, 'RIFF'],
        [8, 'WEBP'],
      ],
    ],
  },
}

/** Recordings or images: each file is one. @throws `ROOM_DATA_SOURCE` */
export async function itemSource(
  kind: 'audio' | 'image',
  files: DataFiles,
  signal?: AbortSignal,
): Promise<DataSource> {
  const all = inOrder(files)
  requireItems(all, all.length)
  for (const [name, file] of all) {
    signal?.throwIfAborted()
    await requireFormat(name, file, FORMATS[kind])
  }
  return {
    media: kind,
    async *read(cancel, onItem) {
      for (const [name, file] of all) {
        onItem()
        yield itemHeader(file.size)
        yield* piecesOf(name, file, cancel)
      }
    },
  }
}

async function requireFormat(
  name: string,
  file: Blob,
  { what, expected, magics, isOther }: ItemFormats,
): Promise<void> {
  const head = await partOf(name, file, 0, SNIFF_BYTES)
  const isKnown =
    magics.some((magic) => magic.every(([offset, bytes]) => hasMagic(head, offset, bytes))) || isOther?.(head)
  if (!isKnown) throw refused(`${name} is no ${what} that a room takes`, { expected })
}

/** Files that are items each, among `count` files. @throws `ROOM_DATA_SOURCE` */
export function requireItems(
  items: readonly (readonly [name: string, file: Blob])[],
  count: number,
  maxBytes: number = MAX_ITEM_BYTES,
): void {
  if (count === 0) throw refused('there is no file')
  if (count > MAX_DATA_ITEMS)
    throw refused('there are too many files', { expected: `at most ${MAX_DATA_ITEMS}`, found: `${count}` })
  for (const [name, { size }] of items)
    if (size > maxBytes)
      throw refused(`${name} is too large`, { expected: `at most ${maxBytes} bytes`, found: `${size}` })
}
