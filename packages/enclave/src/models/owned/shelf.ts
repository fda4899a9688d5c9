import { ownedModelError } from './errors.ts'
import type { Hold } from './lease.ts'

/** What an enclave keeps loaded, and for how long. */
export interface ShelfLimits {
  /** Memory that all models together may take, bytes: see `memory.ts`. */
  maxBytes: number
  maxModels: number
  /** Models of one owner. */
  maxPerOwner: number
  /** A model that nobody used for so long is put away. */
  idleSeconds: number
}

/** Something that was loaded. */
export interface Loaded<T> {
  value: T
  close(): Promise<void>
}

/** What is asked for. */
export interface Wanted<T> {
  /** Names exactly one thing. */
  key: string
  owner: string
  /** As much as is known before it loads. */
  bytes: number
  isPinned: boolean
  load(hold: Hold, claim: Claim): Promise<Loaded<T>>
}

/**
 * Says while it loads, before it takes it, how much memory it takes in all; resolves when there is so much.
 * @throws `OWNED_MODEL_BUSY`, `OWNED_MODEL_TOO_LARGE`
 */
export type Claim = (bytes: number) => Promise<void>

interface Place<T> extends Pick<Wanted<T>, 'key' | 'owner'> {
  bytes: number
  isPinned: boolean
  loading: Promise<T>
  loaded?: Loaded<T>
  uses: number
  /** Milliseconds. */
  lastUsed: number
  /** Why no new use begins. */
  ended?: Error
  isClosed: boolean
}

/** Whoever was given a model begins to use it within this time; it is not put away meanwhile. */
const GRACE_MS = 5000

/**
 * Places for models that are loaded when somebody asks for them: each once, however many ask, the one that was used
 * longest ago makes room, and none is put away while it is used or pinned. In one process, without locks.
 */
export class Shelf<T> {
  readonly #limits: ShelfLimits
  readonly #now: () => number
  readonly #places = new Map<string, Place<T>>()
  /** Ended, and still in use or loading: nobody gets them any more, and their memory is taken all the same. */
  readonly #lingering = new Set<Place<T>>()
  /** Ends of models that still have memory. */
  readonly #closing = new Set<Promise<void>>()

  /** @param now milliseconds that never go back */
  constructor(limits: ShelfLimits, now: () => number) {
    this.#limits = limits
    this.#now = now
  }

  /** Keys of what is loaded or being loaded. */
  get keys(): string[] {
    return [...this.#places.keys()]
  }

  /**
   * What is wanted: the one that is there, or is coming, or a new one.
   * @throws what `load` throws, `OWNED_MODEL_BUSY`, `OWNED_MODEL_TOO_LARGE`
   */
  async get(wanted: Wanted<T>): Promise<T> {
    const there = this.#places.get(wanted.key)
    if (there !== undefined) {
      there.lastUsed = this.#now()
      return there.loading
    }
    this.#makeRoom(wanted)
    const { key, owner, bytes, isPinned } = wanted
    const place: Place<T> = {
      key,
      owner,
      bytes,
      isPinned,
      loading: Promise.resolve() as never,
      uses: 0,
      lastUsed: this.#now(),
      isClosed: false,
    }
    this.#places.set(key, place)
    place.loading = this.#load(place, wanted)
    place.loading.catch(() => undefined)
    return place.loading
  }

  /** No new use of it begins; what runs goes on to its end. */
  end(key: string, reason: Error): void {
    const place = this.#places.get(key)
    if (place === undefined) return
    place.ended ??= reason
    this.#places.delete(key)
    this.#lingering.add(place)
    this.#closeUnused(place)
  }

  /** Pins these, and no others. */
  pin(keys: ReadonlySet<string>): void {
    for (const place of this.#places.values()) place.isPinned = keys.has(place.key)
  }

  /** Puts away what nobody used for too long. */
  sweep(): void {
    for (const place of this.#places.values()) {
      const rest = this.#now() - place.lastUsed
      if (rest > this.#limits.idleSeconds * 1000 && this.#isEvictable(place)) this.#evict(place)
    }
  }

  /** Puts everything away, in use or not. */
  async close(): Promise<void> {
    for (const { key } of this.#places.values()) this.end(key, closed())
    for (const place of this.#lingering) this.#closeNow(place)
    await Promise.all(this.#closing)
  }

  async #load(place: Place<T>, { load }: Wanted<T>): Promise<T> {
    try {
      // What was put away for it has memory until its process is gone.
      await Promise.all(this.#closing)
      const loaded = await load(
        () => this.#hold(place),
        (bytes) => this.#claim(place, bytes),
      )
      place.loaded = loaded
      place.lastUsed = this.#now()
      if (place.ended === undefined) return loaded.value
      this.#closeUnused(place)
      throw place.ended
    } catch (error) {
      if (this.#places.get(place.key) === place) this.#places.delete(place.key)
      // What has loaded is closed by now, or waits for those who use it.
      if (place.loaded === undefined) this.#lingering.delete(place)
      throw error
    }
  }

  async #claim(place: Place<T>, bytes: number): Promise<void> {
    if (place.ended !== undefined) throw place.ended
    this.#makeRoom({ ...place, bytes }, place)
    place.bytes = bytes
    await Promise.all(this.#closing)
  }

  #hold(place: Place<T>): () => void {
    if (place.ended !== undefined) throw place.ended
    place.uses++
    place.lastUsed = this.#now()
    return () => {
      place.uses--
      place.lastUsed = this.#now()
      if (place.ended !== undefined) this.#closeUnused(place)
    }
  }

  /** @param own the place it is for, where it has one already */
  #makeRoom(wanted: Pick<Place<T>, 'owner' | 'bytes'>, own?: Place<T>): void {
    const { maxBytes, maxModels, maxPerOwner } = this.#limits
    if (wanted.bytes > maxBytes)
      throw ownedModelError(
        'OWNED_MODEL_TOO_LARGE',
        'this model is larger than all that may be loaded here',
        {
          expected: `at most ${maxBytes} bytes`,
          found: `${wanted.bytes}`,
        },
      )
    const places = [...this.#places.values()].filter((place) => place !== own)
    const oldestFirst = places
      .filter((place) => this.#isEvictable(place))
      .toSorted((a, b) => a.lastUsed - b.lastUsed)
    const kept = new Set([...places, ...this.#lingering])
    const isOwn = ({ owner }: Place<T>): boolean => owner === wanted.owner
    const fits = (): boolean =>
      kept.size < maxModels && sum(kept) + wanted.bytes <= maxBytes && countOf(kept, isOwn) < maxPerOwner
    // Decided as a whole first: nothing is put away for something that does not fit after all.
    for (const place of oldestFirst) {
      if (fits()) break
      // Beyond its own share, an owner makes room among its own.
      if (countOf(kept, isOwn) >= maxPerOwner && !isOwn(place)) continue
      kept.delete(place)
    }
    for (const place of oldestFirst) {
      if (fits()) break
      kept.delete(place)
    }
    if (!fits())
      throw ownedModelError('OWNED_MODEL_BUSY', 'every place for models is in use; try again', {
        found: `${places.length + this.#lingering.size} models`,
      })
    for (const place of places) if (!kept.has(place)) this.#evict(place)
  }

  #isEvictable({ loaded, uses, isPinned, lastUsed }: Place<T>): boolean {
    return loaded !== undefined && uses === 0 && !isPinned && this.#now() - lastUsed >= GRACE_MS
  }

  #evict(place: Place<T>): void {
    this.end(place.key, ownedModelError('OWNED_MODEL_BUSY', 'the model was put away; ask again'))
  }

  #closeUnused(place: Place<T>): void {
    if (place.uses === 0 && place.loaded !== undefined) this.#closeNow(place)
  }

  #closeNow(place: Place<T>): void {
    if (place.isClosed || place.loaded === undefined) return
    place.isClosed = true
    this.#lingering.delete(place)
    const closing: Promise<void> = place.loaded
      .close()
      .catch(() => undefined)
      .finally(() => this.#closing.delete(closing))
    this.#closing.add(closing)
  }
}

function closed(): Error {
  return ownedModelError('OWNED_MODEL_BUSY', 'this enclave is ending')
}

function sum(places: Iterable<{ bytes: number }>): number {
  let total = 0
  for (const { bytes } of places) total += bytes
  return total
}

function countOf<P>(places: ReadonlySet<P>, is: (place: P) => boolean): number {
  return [...places].filter(is).length
}
