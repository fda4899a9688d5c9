import { KeepError } from './database.ts'

/** What one tab works on: it outlives a reload, and ends with the tab. No other tab reads it. */
export interface TabValue {
  /** Undefined where nothing is kept. */
  read(): unknown
  /** Kept once it returns, also while the page is about to go. Undefined erases. @throws `KeepError` */
  write(value: unknown): void
}

/** @param key its name; values are kept as JSON */
export function tabValue(key: string): TabValue {
  const name = `sotto.${key}`
  return {
    read() {
      try {
        const text = sessionStorage.getItem(name)
        return text === null ? undefined : (JSON.parse(text) as unknown)
      } catch {
        return undefined
      }
    },
    write(value) {
      try {
        if (value === undefined) sessionStorage.removeItem(name)
        else sessionStorage.setItem(name, JSON.stringify(value))
      } catch (error) {
        throw new KeepError(error)
      }
    },
  }
}
