import { tabValue } from '../../keep/index.ts'
import type { Segment } from './segments.ts'

/** Edits of a transcript that were not kept yet. */
export interface Typed {
  id: string
  edits: readonly Segment[]
}

const kept = tabValue('transcribe.typed')

/** What was typed in this tab and not kept when the page went: the database is too slow for that, or full. */
export const lastTyped = {
  read(): readonly Typed[] {
    return (kept.read() ?? []) as readonly Typed[]
  },
  write(typed: readonly Typed[]): void {
    try {
      kept.write(typed.length === 0 ? undefined : typed)
    } catch {
      // That nothing is kept is said already.
    }
  },
}
