import { describe, expect, it } from 'vitest'
import { createDigestCache, type DigestSource, type FileIdentity } from '@sotto/protocol/measurement'

const SECOND = 1_000_000_000n
const identity: FileIdentity = { dev: 1n, ino: 2n, size: 3n, mtimeNs: 4n * SECOND, ctimeNs: 5n * SECOND }

/** A file that can change, and how often it was read. */
class FakeFile implements DigestSource {
  identity = identity
  content = 'a'
  reads = 0
  whileRead: () => void = () => {}
  identify = (): FileIdentity => this.identity
  hash = async (): Promise<string> => {
    this.reads++
    const { content } = this
    this.whileRead()
    return content
  }
}

describe('digests of files that were read before', () => {
  it('are not read again while the file stays the same', async () => {
    const file = new FakeFile()
    const cache = createDigestCache(() => 10_000)
    expect(await cache.digestOf(file)).toBe('a')
    expect(await cache.digestOf(file)).toBe('a')
    expect(file.reads).toBe(1)
  })

  it.each(['dev', 'ino', 'size', 'mtimeNs', 'ctimeNs'] as const)(
    'are read again when %s changes',
    async (field) => {
      const file = new FakeFile()
      const cache = createDigestCache(() => 10_000)
      await cache.digestOf(file)
      file.identity = { ...identity, [field]: identity[field] + 1n }
      file.content = 'b'
      expect(await cache.digestOf(file)).toBe('b')
      expect(file.reads).toBe(2)
    },
  )

  it('are not remembered for a file changed in the tick in which it was looked at', async () => {
    const file = new FakeFile()
    const cache = createDigestCache(() => 5_010)
    await cache.digestOf(file)
    // A second write within the tick: the file system shows the same times.
    file.content = 'b'
    expect(await cache.digestOf(file)).toBe('b')
  })

  it('are read once for everybody who asks at the same time', async () => {
    const file = new FakeFile()
    const cache = createDigestCache(() => 10_000)
    expect(await Promise.all([cache.digestOf(file), cache.digestOf(file)])).toEqual(['a', 'a'])
    expect(file.reads).toBe(1)
  })

  it('are read again when the file changes while it is read, and given up when it never stops', async () => {
    const file = new FakeFile()
    const cache = createDigestCache(() => 10_000)
    let changes = 2
    file.whileRead = () => {
      if (changes-- <= 0) return
      file.content += 'b'
      file.identity = { ...file.identity, mtimeNs: file.identity.mtimeNs + 1n }
    }
    expect(await cache.digestOf(file)).toBe('abb')
    changes = Infinity
    file.identity = { ...file.identity, size: 9n }
    expect(await cache.digestOf(file)).toBeUndefined()
  })

  it('passes on that a file cannot be read, and reads it when it can', async () => {
    const file = new FakeFile()
    const cache = createDigestCache(() => 10_000)
    file.whileRead = () => {
      throw new Error('EIO')
    }
    await expect(cache.digestOf(file)).rejects.toThrow('EIO')
    file.whileRead = () => {}
    expect(await cache.digestOf(file)).toBe('a')
  })
})
