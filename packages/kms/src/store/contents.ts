import { concat, uint, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'

/** What a store says of one record. */
export interface ContentsEntry {
  version: number
  /** Bytes of its value. */
  size: number
}

/**
 * Which versions of which records belong together, in the order of their names. A value: a commit makes another one.
 * Names are kept in order and as they are hashed, so that a commit costs what it changes, and one hash over the rest.
 */
export class Contents {
  readonly #names: readonly string[]
  /** Of each name: its length, itself and its version, as they stand in the digest. */
  readonly #hashed: readonly Uint8Array[]
  readonly #sizes: readonly number[]
  /** Bytes of all values. */
  readonly bytes: number

  private constructor(
    names: readonly string[],
    hashed: readonly Uint8Array[],
    sizes: readonly number[],
    bytes: number,
  ) {
    this.#names = names
    this.#hashed = hashed
    this.#sizes = sizes
    this.bytes = bytes
  }

  static readonly EMPTY: Contents = new Contents([], [], [], 0)

  get count(): number {
    return this.#names.length
  }

  /** After a commit; null removes a record. */
  with(changes: ReadonlyMap<string, ContentsEntry | null>): Contents {
    const names = [...this.#names]
    const hashed = [...this.#hashed]
    const sizes = [...this.#sizes]
    let { bytes } = this
    for (const [name, entry] of changes) {
      const at = placeOf(names, name)
      const isThere = names[at] === name
      if (isThere) bytes -= sizes[at]!
      if (entry === null) {
        if (isThere) for (const column of [names, hashed, sizes]) column.splice(at, 1)
        continue
      }
      bytes += entry.size
      const gone = isThere ? 1 : 0
      names.splice(at, gone, name)
      hashed.splice(at, gone, hashedForm(name, entry.version))
      sizes.splice(at, gone, entry.size)
    }
    return new Contents(names, hashed, sizes, bytes)
  }

  /** SHA-256 over every record's name and version, in order. */
  digest(): Uint8Array {
    return crypto.sha256(concat(...this.#hashed))
  }
}

/** Where a name stands, or would stand: before the first that is not before it, by UTF-16 units. */
function placeOf(names: readonly string[], name: string): number {
  let [from, to] = [0, names.length]
  while (from < to) {
    const middle = (from + to) >>> 1
    if (names[middle]! < name) from = middle + 1
    else to = middle
  }
  return from
}

function hashedForm(name: string, version: number): Uint8Array {
  const bytes = utf8(name)
  return concat(uint(bytes.length, 4), bytes, uint(version, 6))
}
