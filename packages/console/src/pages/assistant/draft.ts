import { tabValue } from '../../keep/index.ts'

const kept = tabValue('assistant.draft')
/** Changes whenever everything is erased: a tab that slept meanwhile finds its draft to be of before. */
const ERASED = 'sotto.assistant.erased'

/** What is typed and not sent. Each tab has its own; erased it is in all of them. */
export const keptDraft = {
  read(): string {
    const { text, before } = (kept.read() ?? {}) as { text?: unknown; before?: unknown }
    return typeof text === 'string' && before === lastErasure() ? text : ''
  },
  /** @throws `KeepError` */
  write(text: string): void {
    kept.write(text === '' ? undefined : { text, before: lastErasure() })
  },
  eraseAll(): void {
    try {
      kept.write(undefined)
      localStorage.setItem(ERASED, crypto.randomUUID())
    } catch {
      // A browser that keeps nothing here keeps no drafts either.
    }
  },
  /** Calls `listener` when another tab has erased all. */
  onErased(listener: () => void): void {
    addEventListener('storage', ({ key }) => {
      if (key !== ERASED) return
      listener()
      kept.write(undefined)
    })
  },
}

function lastErasure(): string {
  try {
    return localStorage.getItem(ERASED) ?? ''
  } catch {
    return ''
  }
}
