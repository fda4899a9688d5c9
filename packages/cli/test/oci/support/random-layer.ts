import { randomBytes } from 'node:crypto'
import type { WrittenEntry } from '../../../../protocol/test/oci/support/tar-writer.ts'

/** A number from 0 on, below the one given. */
export type RandomInt = (below: number) => number

const SIZES = [0, 0, 1, 59, 60, 100, 4095, 4096, 4097, 8192, 10_000, 300_000]
const LINK_LENGTHS = [1, 59, 60, 61, 100, 101, 300, 4000]
const XATTRS = [
  'user.a',
  'user.b',
  'user.c',
  'user.long-name-of-an-attribute',
  'security.capability',
  'security.selinux',
  'trusted.overlay.opaque',
  'system.posix_acl_access',
  'system.posix_acl_default',
  'system.richacl',
  'system.other',
  'without-prefix',
]
const TIMES = [
  '1700000000.123456789',
  '-5',
  '-5.25',
  '0',
  '99999999999',
  '-99999999999',
  '2500000000.999999999999',
  '-62135596800',
]

/**
 * Entries of a layer as they come from nobody in particular: files of all sizes, folders that are named late or twice, links,
 * devices, whiteouts, attributes, odd times and names.
 */
export function randomLayer(random: RandomInt): WrittenEntry[] {
  const known: Known = { files: [], folders: [] }
  const count = [1, 2, 3, 5, 8, 20, 60][random(7)]!
  return Array.from({ length: count }, () => randomEntry(random, known))
}

/** Paths by what they are, as far as nothing took their place. */
interface Known {
  files: string[]
  folders: string[]
}

function randomEntry(random: RandomInt, known: Known): WrittenEntry {
  const pick = <T>(values: readonly T[]): T => values[random(values.length)]!
  const type = pick([
    '0',
    '0',
    '0',
    '0',
    '5',
    '5',
    '2',
    known.files.length > 0 ? '1' : '0',
    '3',
    '4',
    '6',
    '\0',
  ])
  const path = randomPath(random, type === '5' ? known.folders : known.files, known.folders)
  ;(type === '5' ? known.folders : known.files).push(path)
  const isGnu = random(3) === 0
  const pax: Record<string, string> = {}
  if (!isGnu && random(3) === 0)
    for (let left = random(6); left >= 0; left--)
      pax[`SCHILY.xattr.${pick(XATTRS)}`] = randomBytes(pick([0, 1, 3, 4, 20, 60, 90, 200, 1500])).toString(
        'latin1',
      )
  if (!isGnu && random(3) === 0) pax['mtime'] = pick(TIMES)
  if (!isGnu && random(4) === 0) pax['atime'] = pick(TIMES)
  if (!isGnu && random(4) === 0) pax['ctime'] = pick(TIMES)
  const isWhiteout = path.slice(path.lastIndexOf('/') + 1).startsWith('.wh.')
  const isFile = (type === '0' || type === '\0') && !isWhiteout
  return {
    path: type === '5' ? path + pick(['/', '']) : path,
    type,
    mode: random(0o10000),
    uid: pick([0, 1000, 65_536, 2 ** 31 + 7]),
    gid: pick([0, 5, 70_000]),
    mtime: pick([0, 1_700_000_000, -3, 2 ** 31 + 5, 2 ** 33]),
    link: type === '2' ? 'l'.repeat(pick(LINK_LENGTHS)) : type === '1' ? pick(known.files) : '',
    ...(isFile && { content: randomBytes(pick(SIZES)) }),
    major: pick([0, 1, 255, 256, 4095]),
    minor: pick([0, 1, 255, 256, 1 << 19]),
    pax,
    isGnu,
    ...(random(2) === 0 && { atime: 1_650_000_000 }),
  }
}

function randomPath(random: RandomInt, alike: readonly string[], folders: readonly string[]): string {
  const name = (): string => {
    const kind = random(60)
    if (kind < 50) return `n${random(100_000)}`
    if (kind < 54) return `s${random(4)}`
    const odd = [
      '.wh.',
      `.wh.s${random(4)}`,
      '.wh..wh..opq',
      'lost+found',
      '..',
      '.',
      '\xff\xfe',
      'x'.repeat(1 + random(255)),
    ]
    return odd[random(odd.length)]!
  }
  const kind = random(40)
  if (kind === 0) return './'
  // The same path again: often refused, because content that was written stays.
  if (kind === 1 && alike.length > 0) return alike[random(alike.length)]!
  if (kind < 16 && folders.length > 0) return `${folders[random(folders.length)]}/${name()}`
  const path = Array.from({ length: 1 + random(6) }, name).join('/')
  return kind === 17 ? `/${path}` : kind === 18 ? `./${path}` : path
}
