import { open } from './database.ts'
import { tellOtherTabs } from './tabs.ts'

/** One thing that was said. */
export interface KeptMessage {
  id: string
  /** Milliseconds since the epoch, by this device. */
  at: number
  role: 'user' | 'assistant'
  text: string
  /** Of answers: how it ended. `length`: at the longest answer that the model gives. */
  end?: 'whole' | 'length' | 'stopped' | 'cut'
  model?: string
  tookMs?: number
  /** `verified`: a receipt came, and it holds for this answer. */
  receipt?: 'verified' | 'missing' | 'invalid'
  /** Id of the oldest message that the model was given for this answer. */
  readsFrom?: string
}

/** A conversation. It is nowhere else. */
export interface KeptConversation {
  /** Begins with its time, so that keys are in the order of their beginning. */
  id: string
  title: string
  /** When it was last changed. */
  at: number
  messages: readonly KeptMessage[]
}

const table = open<KeptConversation>('conversations')

/** Conversations of this browser. @throws `KeepError` from every method */
export const conversations = {
  /** Latest change first. */
  async all(): Promise<KeptConversation[]> {
    return (await table.all()).toSorted((a, b) => b.at - a.at)
  },
  /** Keeps what was said here beside what another tab has kept meanwhile; hands out both. */
  async put(own: KeptConversation): Promise<KeptConversation> {
    const both = await table.change(own.id, (kept) => mergeConversations(kept, own))
    tellOtherTabs('conversations')
    return both!
  },
  async remove(id: string): Promise<void> {
    await table.remove(id)
    tellOtherTabs('conversations')
  },
  async clear(): Promise<void> {
    await table.clear()
    tellOtherTabs('conversations')
  },
}

/** Messages of both in the order they were said; of one that both have, `own`. */
export function mergeConversations(
  other: KeptConversation | undefined,
  own: KeptConversation,
): KeptConversation {
  if (other === undefined) return own
  const known = new Set(own.messages.map(({ id }) => id))
  const more = other.messages.filter(({ id }) => !known.has(id))
  if (more.length === 0) return own
  return { ...own, messages: [...own.messages, ...more].toSorted((a, b) => a.at - b.at) }
}
