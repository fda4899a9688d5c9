import { keyOf } from '../cache-salt.ts'
import { engineError } from '../errors.ts'

/** A prefix nobody came back for is not used again after this long. */
const MAX_IDLE_MS = 300_000

/** A slot of the server, for one request. */
export interface HeldSlot {
  readonly id: number
  /** Whether the request may continue what the slot holds: the last request there had the same salt. */
  readonly mayReuse: boolean
  /** Gives the slot back; `keep` where its request was answered whole. */
  release(outcome: 'erase' | 'keep'): void
}

interface Slot {
  isBusy: boolean
  /** Digest of the salt of what it holds; undefined: nothing anybody may use. */
  key: string | undefined
  usedAt: number
}

/**
 * Which request runs in which slot of the server. The server itself would choose by whose words a slot holds; here only a
 * salt of the client leads back to a slot (T19), and any other request makes the server start from nothing.
 */
export class SlotTable {
  private readonly slots: Slot[]
  private readonly now: () => number

  constructor(count: number, now: () => number = () => performance.now()) {
    this.slots = Array.from({ length: count }, () => ({ isBusy: false, key: undefined, usedAt: 0 }))
    this.now = now
  }

  /** Takes a slot. @throws `ENGINE_INPUT` for a salt that cannot hold 128 random bits */
  take(salt: string | undefined): HeldSlot {
    const key = salt === undefined ? undefined : keyOf(salt)
    const now = this.now()
    for (const slot of this.slots) if (now - slot.usedAt > MAX_IDLE_MS) slot.key = undefined
    const free = this.slots.filter(({ isBusy }) => !isBusy)
    const same = key === undefined ? undefined : free.find((slot) => slot.key === key)
    // Those that hold nothing first, then the longest unused.
    const [chosen]: (Slot | undefined)[] = same ? [same] : free.toSorted((a, b) => rank(a) - rank(b))
    if (!chosen) throw engineError('ENGINE_FAILED', 'more calls than slots')
    chosen.isBusy = true
    chosen.key = undefined
    return {
      id: this.slots.indexOf(chosen),
      mayReuse: same !== undefined,
      release: (outcome) => {
        chosen.isBusy = false
        chosen.key = outcome === 'keep' ? key : undefined
        chosen.usedAt = this.now()
      },
    }
  }
}

function rank(slot: Slot): number {
  return slot.key === undefined ? -1 : slot.usedAt
}
