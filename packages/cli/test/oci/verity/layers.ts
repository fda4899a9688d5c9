import { writeTar, type WrittenEntry } from '../../../../protocol/test/oci/support/tar-writer.ts'

const bytes = (length: number): Uint8Array => Buffer.alloc(length, 'sotto')
const xattr = (name: string, length: number): Record<string, string> => ({
  [`SCHILY.xattr.${name}`]: 'v'.repeat(length),
})

/** Layers by what they are about, each the same whenever it is made. */
export const LAYERS: Readonly<Record<string, readonly WrittenEntry[]>> = {
  nothing: [],
  'an empty file': [{ path: 'a' }],
  'files around the size of a block': [1, 4095, 4096, 4097, 100_000].map((size) => ({
    path: `dir/f${size}`,
    content: bytes(size),
    mtime: 1_700_000_000,
  })),
  'folders, some of them named late': [
    { path: './', type: '5', mode: 0o711, uid: 5, mtime: 1_600_000_000 },
    { path: 'a/b/c', content: bytes(3) },
    { path: 'a/', type: '5', mode: 0o1777, gid: 70_000 },
  ],
  links: [
    { path: 'target', content: bytes(10) },
    { path: 'short', type: '2', link: 'l'.repeat(59) },
    { path: 'long', type: '2', link: 'l'.repeat(60) },
    { path: 'longest', type: '2', link: 'l/'.repeat(2000) },
    { path: 'hard', type: '1', link: 'target' },
    { path: 'other/hard', type: '1', link: 'target' },
  ],
  'devices and pipes': [
    { path: 'null', type: '3', major: 1, minor: 3 },
    { path: 'disk', type: '4', major: 259, minor: 70_000 },
    { path: 'pipe', type: '6' },
  ],
  whiteouts: [
    { path: 'gone/.wh.file' },
    { path: 'gone/.wh..wh..opq' },
    { path: 'kept/', type: '5', pax: xattr('user.a', 100) },
    { path: 'kept/.wh..wh..opq' },
  ],
  attributes: [
    { path: 'few', pax: { ...xattr('security.capability', 20), ...xattr('user.b', 1) } },
    { path: 'many', pax: { ...xattr('user.x', 200), ...xattr('user.abc', 500), ...xattr('trusted.z', 90) } },
    { path: 'acl', pax: { ...xattr('system.posix_acl_access', 28), ...xattr('user.c', 5) } },
  ],
  'odd times': [
    { path: 'before', pax: { mtime: '-5.25', atime: '1.5', ctime: '99999999999' } },
    { path: 'gnu', isGnu: true, atime: 1_650_000_000, mtime: 2 ** 33 },
  ],
  'a folder of many blocks': Array.from({ length: 900 }, (_, index) => ({
    path: `d/${'n'.repeat(index % 250)}${index}`,
  })),
  'names that are no UTF-8': [{ path: '\xff\xfe/\x01', content: bytes(5) }],
  'a file twice': [{ path: 'a' }, { path: 'a', content: bytes(7), mode: 0o600 }],
}

/** A layer's tar. */
export function layerTar(name: string): Uint8Array {
  return writeTar(LAYERS[name]!)
}
