import { clientError } from '../errors.ts'
import type { SottoStorage } from '../types.ts'

/** A tree this client has seen: its size, and its root in lower-case hexadecimal. */
export interface SeenCheckpoint {
  size: number
  root: string
}

/** Remembers one checkpoint for each log. `logKey` is the log's verifier key, so a new log starts afresh. */
export interface CheckpointMemory {
  recall(): Promise<SeenCheckpoint | undefined>
  /** Keeps the larger tree. */
  remember(seen: SeenCheckpoint): Promise<void>
}

/**
 * @throws `STORAGE_INVALID` when what was kept is damaged: a client that forgets could be shown
 * another history, so it does not forget by accident
 */
export function checkpointMemory(storage: SottoStorage, logKey: string): CheckpointMemory {
  const key = `checkpoint ${logKey}`
  const recall = async (): Promise<SeenCheckpoint | undefined> => {
    const text = await storage.get(key)
    return text === undefined ? undefined : parseSeen(text)
  }
  return {
    recall,
    async remember(seen) {
      const known = await recall()
      if (known !== undefined && known.size >= seen.size) return
      await storage.set(key, JSON.stringify({ size: seen.size, root: seen.root }))
    },
  }
}

/** Storage of one process: the default. */
export function memoryStorage(): SottoStorage {
  const values = new Map<string, string>()
  return {
    get: async (key) => values.get(key),
    set: async (key, value) => void values.set(key, value),
  }
}

function parseSeen(text: string): SeenCheckpoint {
  try {
    const { size, root } = JSON.parse(text) as SeenCheckpoint
    if (Number.isSafeInteger(size) && size > 0 && /^[0-9a-f]{64}$/.test(root)) return { size, root }
  } catch {
    // Reported below, like a value of the wrong shape.
  }
  throw clientError('STORAGE_INVALID', 'the remembered log checkpoint is damaged', {
    hint: 'find out what changed it; deleting it makes this client forget the history it has seen',
  })
}
