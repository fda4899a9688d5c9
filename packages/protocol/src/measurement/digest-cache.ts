/** What the file system says a file is: fields of `fs.lstat` with `bigint: true`. */
export interface FileIdentity {
  readonly dev: bigint
  readonly ino: bigint
  readonly size: bigint
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
}

/** A file to know the digest of. Both are asked again when it changes meanwhile. */
export interface DigestSource {
  /** Its identity now. Throws when it is gone. */
  identify(): FileIdentity
  /** SHA-256 of its content, lower-case hexadecimal. */
  hash(): Promise<string>
}

/** Digests of files that were read before. */
export interface DigestCache {
  /** The digest, or undefined when the file did not stop changing while it was read. */
  digestOf(source: DigestSource): Promise<string | undefined>
}

/**
 * Clocks of file systems tick every few milliseconds: a file written in the tick in which it was
 * looked at keeps its times. Digests of files changed this shortly before are not remembered.
 */
const SAME_TICK_MS = 50
const MAX_ATTEMPTS = 10

/**
 * Reads each file once for as long as the file system says that it is the same one: device, inode,
 * size, and the times of its last write and last change. An image has hundreds of megabytes, and
 * every one of its processes asks for it at every start.
 *
 * What this proves: nobody wrote to the file, replaced it or put another in its place through the
 * file system since it was read; the change time follows the kernel's clock and cannot be set. What
 * it does not prove: anything against the owner of the machine, who can set the clock, write to the
 * disk below the file system, or write through a mapping that was open before. Software TEEs protect
 * nothing from that owner anyway; on hardware the file system itself is measured (dm-verity).
 *
 * @param now milliseconds since the Unix epoch, on the clock of the file system
 */
export function createDigestCache(now: () => number): DigestCache {
  /** By device and inode, so that it never holds more entries than there are files. */
  const known = new Map<string, { identity: string; digest: Promise<string | undefined> }>()

  async function read(source: DigestSource, before: FileIdentity): Promise<string | undefined> {
    const identity = textOf(before)
    const isSettled = now() - Number(before.ctimeNs / 1_000_000n) > SAME_TICK_MS
    const digest = source.hash().then((found) => (textOf(source.identify()) === identity ? found : undefined))
    if (!isSettled) return digest
    // At once, not when it is read: whoever asks meanwhile waits for the same answer.
    const place = placeOf(before)
    const entry = { identity, digest }
    known.set(place, entry)
    const isUseful = await digest.then(
      (found) => found !== undefined,
      () => false,
    )
    if (!isUseful && known.get(place) === entry) known.delete(place)
    return digest
  }

  return {
    async digestOf(source) {
      // A hard link made or removed elsewhere changes the change time too: look again, do not give up.
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        const before = source.identify()
        const found = known.get(placeOf(before))
        const digest = await (found?.identity === textOf(before) ? found.digest : read(source, before))
        if (digest !== undefined) return digest
      }
      return undefined
    },
  }
}

function placeOf({ dev, ino }: FileIdentity): string {
  return `${dev}:${ino}`
}

function textOf({ dev, ino, size, mtimeNs, ctimeNs }: FileIdentity): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ')
}
