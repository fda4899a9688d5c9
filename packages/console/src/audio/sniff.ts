/**
 * What the first bytes of a file say that it is:
 * - `read`: the service reads it
 * - `foreign`: sound or film that the service does not read; this browser may be able to
 * - `none`: no sound
 */
export type SoundKind = 'read' | 'foreign' | 'none'

/** So many bytes of the beginning are looked at. */
export const SNIFF_BYTES = 16

/** Formats of the service, by what stands where. Names of files say nothing. */
const READ: readonly (readonly [offset: number, magic: string])[][] = [
  [
    [0, 'RIFF'],
    [8, 'WAVE'],
  ],
  [
    [0, 'RF64'],
    [8, 'WAVE'],
  ],
  [
    [0, 'BW64'],
    [8, 'WAVE'],
  ],
  [
    [0, 'FORM'],
    [8, 'AIF'],
  ],
  [[0, 'fLaC']],
  [[0, 'OggS']],
  [[0, '\x1a\x45\xdf\xa3']],
  [[0, 'ID3']],
]
const FOREIGN: readonly (readonly [offset: number, magic: string])[] = [
  [4, 'ftyp'],
  [0, 'caff'],
  [0, 'RIFX'],
  [0, '.snd'],
  [0, '#!AMR'],
  [0, 'ADIF'],
]

/** Judges a file by its beginning. */
export function soundKindOf(head: Uint8Array): SoundKind {
  const has = (offset: number, magic: string): boolean =>
    String.fromCharCode(...head.subarray(offset, offset + magic.length)) === magic
  if (READ.some((parts) => parts.every(([offset, magic]) => has(offset, magic)))) return 'read'
  if (FOREIGN.some(([offset, magic]) => has(offset, magic))) return 'foreign'
  if (head[0] !== 0xff || (head[1]! & 0xe0) !== 0xe0) return 'none'
  // Layer 00 is none of MPEG audio: AAC uses it.
  return (head[1]! & 0x06) === 0 ? 'foreign' : 'read'
}
