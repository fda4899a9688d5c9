/** One of the origins of a gateway, taken for one exchange. */
export interface Place {
  readonly origin: string
  /** The exchange is over there. Safe to call twice. */
  leave(): void
  /** No connection came about: all others come first, until it says that it is ready. */
  unreachable(): void
  /** It asked to come back later: others come first, until it says that it is ready. */
  busy(): void
}

/** What an origin says when it is asked whether it is ready; `nothing` where it says nothing in time. */
export type Heard = 'ready' | 'not-ready' | 'nothing'

/** A gateway as the relay reaches it: one origin, or several enclaves that hold the same keys. */
export interface Gateway {
  readonly origins: readonly string[]
  /**
   * Takes a place at the origin with the fewest exchanges among those that are ready; after them come those that asked
   * to come back later, then those that could not be reached. One that says that it is not ready is not taken, but a
   * single origin always is. Undefined when there is none, beside `except`.
   */
  take(except?: string): Place | undefined
  /** What an origin said of itself. */
  learn(origin: string, heard: Heard): void
  /** Whom to ask for documents, first one first: every origin is in it once. */
  documentOrigins(): string[]
  /** A request was sealed to a key this origin does not hold. */
  lacksKey(origin: string): void
}

/**
 * In the order in which they are chosen; `away` is not. Silence is not taken for a word: where this machine itself is
 * short of time, nobody is heard, and all of them may be there.
 */
const RANKS = { ready: 0, busy: 1, silent: 2, away: 3 } as const

const STATES = { ready: 'ready', 'not-ready': 'away', nothing: 'silent' } as const

interface Origin {
  url: string
  state: keyof typeof RANKS
  running: number
}

/**
 * Makes a {@link Gateway}. Until an origin was heard of, it is taken for ready.
 *
 * Replicas learn of new keys one after the other. Whoever is sent away by one that is behind asks for documents again:
 * they come from that one from then on, so that they name keys which all hold. Where the client was behind, that one's
 * are as good as any.
 */
export function createGateway(urls: readonly string[]): Gateway {
  const origins: Origin[] = urls.map((url) => ({ url, state: 'ready', running: 0 }))
  const isOnly = origins.length === 1
  let turn = 0
  let askFirst: string | undefined

  function place(origin: Origin): Place {
    origin.running++
    let isHeld = true
    return {
      origin: origin.url,
      leave() {
        if (isHeld) origin.running--
        isHeld = false
      },
      unreachable() {
        // One that is away has said more.
        if (origin.state !== 'away') origin.state = 'silent'
      },
      busy() {
        if (origin.state === 'ready') origin.state = 'busy'
      },
    }
  }
  return {
    origins: urls,
    take(except) {
      if (isOnly) return except === undefined ? place(origins[0]!) : undefined
      let best: Origin | undefined
      // Equals take turns: nobody is the first for everyone.
      const from = turn++
      for (let i = 0; i < origins.length; i++) {
        const one = origins[(from + i) % origins.length]!
        if (one.url === except || one.state === 'away') continue
        if (best === undefined || comesBefore(one, best)) best = one
      }
      return best && place(best)
    },
    learn(url, heard) {
      const origin = origins.find((one) => one.url === url)
      if (origin !== undefined) origin.state = STATES[heard]
    },
    documentOrigins() {
      return origins
        .toSorted((a, b) => RANKS[a.state] - RANKS[b.state] || wanted(b) - wanted(a))
        .map(({ url }) => url)
    },
    lacksKey(url) {
      askFirst = url
    },
  }
  function wanted({ url }: Origin): number {
    return url === askFirst ? 1 : 0
  }
}

function comesBefore(a: Origin, b: Origin): boolean {
  return RANKS[a.state] === RANKS[b.state] ? a.running < b.running : RANKS[a.state] < RANKS[b.state]
}
