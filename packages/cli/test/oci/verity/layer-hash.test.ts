import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { BLOCK_BYTES, createVerityTree, hashLayer, writeLayer } from '../../../src/oci/verity/index.ts'
import { type WrittenEntry, writeTar } from '../../../../protocol/test/oci/support/tar-writer.ts'
import { LAYERS, layerTar } from './layers.ts'

async function* pieces(tar: Uint8Array, pieceBytes = tar.length): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < tar.length; at += pieceBytes) yield tar.subarray(at, at + pieceBytes)
}
const hashOf = (entries: readonly WrittenEntry[]): Promise<string> => hashLayer(pieces(writeTar(entries)))

/** What tar2ext4 and dm-verity of hcsshim v0.15.0-rc.4 make of the layers. */
const HASHES: Readonly<Record<string, string>> = {
  nothing: '8b4842f06982817534a75bcf71865213b09dfa8313229c384e5201dadbd75e25',
  'an empty file': '36188320ebb7159f40cb27335de31a3240903fd773668889851dd3f963ddcd9d',
  'files around the size of a block': 'c2bf4aa849ebdd784a03169e31fd34226403fbdf8ac6d24788dfcc73b4349984',
  'folders, some of them named late': 'e7cf3ee1da61e0b1dddc3be890952c0c2c2ee3f543d20aa9df01d2d8caeed2ef',
  links: 'e8dd919930387b8ed05303988927f7593a323ff304653b02f066c3960a28d01c',
  'devices and pipes': 'b2b2eee994d7de510ba443d55c6d9311efcaf274e4bd83835ed18eda4606773e',
  whiteouts: '4247d31e5729ef1b9a32097ce74180e7e0cec45dd5e5af7219255b12822031a7',
  attributes: 'c3c0aa741498af53c79f89f7b28e34cc37a280e4479375ffa562923f2502fa1c',
  'odd times': 'ed302f1ec4fb34feb49d559ee2f26362c323e45e80f648e6d1f14bab6e382479',
  'a folder of many blocks': '6ead22bdaec0e18f2b977c238630e3a345a16987bc0790043826e13d447d256d',
  'names that are no UTF-8': 'fca47f1c194c9e58185507dbd2e1d03a96652dc7f3ca13fa52f5b1f657f7d357',
  'a file twice': '15ba2fdfcaeb91f209bcc357d838d6c233888112624e3cf85f6f27cb080346ec',
}

describe('the root hash of a layer', () => {
  it.each(Object.keys(LAYERS))('is that of the reference: %s', async (name) => {
    expect(await hashLayer(pieces(layerTar(name)))).toBe(HASHES[name])
  })

  it('does not depend on how the bytes come', async () => {
    for (const pieceBytes of [1000, 4096, 5000])
      expect(await hashLayer(pieces(layerTar('files around the size of a block'), pieceBytes))).toBe(
        HASHES['files around the size of a block'],
      )
  })

  it('is another one for every difference that a container could see', async () => {
    const entry: WrittenEntry = { path: 'a', content: Buffer.from('abc'), mode: 0o644 }
    const others: WrittenEntry[] = [
      { ...entry, path: 'b' },
      { ...entry, content: Buffer.from('abd') },
      { ...entry, content: Buffer.from('abc\0') },
      { ...entry, mode: 0o755 },
      { ...entry, uid: 1 },
      { ...entry, gid: 1 },
      { ...entry, mtime: 1 },
      { ...entry, pax: { 'SCHILY.xattr.user.a': 'b' } },
    ]
    const hashes = await Promise.all([entry, ...others].map((one) => hashOf([one])))
    expect(new Set(hashes).size).toBe(hashes.length)
  })

  it.each<[string, readonly WrittenEntry[]]>([
    ['content twice for one name', [{ path: 'a', content: Buffer.from('x') }, { path: 'a' }]],
    ['a file where a folder is', [{ path: 'a/', type: '5' }, { path: 'a' }]],
    ['a folder where a file is', [{ path: 'a' }, { path: 'a/', type: '5' }]],
    ['a path through a file', [{ path: 'a' }, { path: 'a/b' }]],
    ['a path through a link', [{ path: 'a', type: '2', link: '/etc' }, { path: 'a/b' }]],
    ['a hard link to nothing', [{ path: 'a', type: '1', link: 'b' }]],
    [
      'a hard link to a folder',
      [
        { path: 'b/', type: '5' },
        { path: 'a', type: '1', link: 'b' },
      ],
    ],
    ['a hard link over a file', [{ path: 'b' }, { path: 'a' }, { path: 'a', type: '1', link: 'b' }]],
    ['a name that is too long', [{ path: 'n'.repeat(256) }]],
    ['a whiteout with content', [{ path: '.wh.a', content: Buffer.from('x') }]],
    ['a whiteout of nothing', [{ path: 'd/.wh.' }]],
    ['an opaque mark in a link', [{ path: 'l', type: '2', link: 'x' }, { path: 'l/.wh..wh..opq' }]],
    ['an attribute that fits nowhere', [{ path: 'a', pax: { 'SCHILY.xattr.user.a': 'v'.repeat(5000) } }]],
    [
      'an attribute with too long a name',
      [{ path: 'a', pax: { [`SCHILY.xattr.user.${'n'.repeat(256)}`]: 'v' } }],
    ],
    [
      'more attributes than have a certain order',
      [
        {
          path: 'a',
          pax: Object.fromEntries(
            Array.from({ length: 20 }, (_, index) => [`SCHILY.xattr.user.${index}`, 'v'.repeat(90)]),
          ),
        },
      ],
    ],
  ])('is refused for %s', async (_name, entries) => {
    await expect(hashOf(entries)).rejects.toMatchObject({ code: 'IMAGE_UNSUPPORTED', action: 'fix-input' })
  })

  it('never leads out of the root', async () => {
    expect(await hashOf([{ path: '../../a' }])).toBe(await hashOf([{ path: '/a' }]))
  })
})

describe('the file system of a layer', () => {
  it('is one that ext4 knows by its superblock', async () => {
    const blocks = new Map<number, Uint8Array>()
    await writeLayer(pieces(layerTar('links')), {
      write: (block, bytes) => void blocks.set(block, bytes.slice()),
      writeZeros(block, count) {
        for (let at = block; at < block + count; at++) blocks.set(at, new Uint8Array(BLOCK_BYTES))
      },
    })
    const superblock = Buffer.from(blocks.get(0)!).subarray(1024)
    expect(superblock.readUInt16LE(0x38)).toBe(0xef53)
    // Every block up to the last one was written.
    expect(blocks.size).toBe(superblock.readUInt32LE(4))
  })
})

describe('the tree of a device', () => {
  const block = (byte: number): Uint8Array => new Uint8Array(BLOCK_BYTES).fill(byte)
  const sha256 = (...parts: Uint8Array[]): Buffer => {
    const hash = createHash('sha256')
    for (const part of [new Uint8Array(32), ...parts]) hash.update(part)
    return hash.digest()
  }

  it('is one block of digests for up to 128 blocks, and two levels for more', () => {
    const few = createVerityTree()
    few.write(0, block(1))
    few.write(1, block(2))
    const level = Buffer.concat([sha256(block(1)), sha256(block(2))], BLOCK_BYTES)
    expect(few.root()).toBe(sha256(level).toString('hex'))

    const many = createVerityTree()
    for (let at = 0; at < 129; at++) many.write(at, block(at))
    const leaves = Buffer.concat(
      Array.from({ length: 129 }, (_, at) => sha256(block(at))),
      2 * BLOCK_BYTES,
    )
    const upper = [leaves.subarray(0, BLOCK_BYTES), leaves.subarray(BLOCK_BYTES)].map((each) => sha256(each))
    expect(many.root()).toBe(sha256(Buffer.concat(upper, BLOCK_BYTES)).toString('hex'))
  })

  it('takes blocks in any order, the last writing of each', () => {
    const [one, other] = [createVerityTree(), createVerityTree()]
    one.write(0, block(1))
    one.writeZeros(1, 2)
    other.write(2, block(0))
    other.write(0, block(9))
    other.write(1, block(0))
    other.write(0, block(1))
    expect(one.root()).toBe(other.root())
  })
})
