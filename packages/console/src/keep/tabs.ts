import type { Table } from './database.ts'

const channel = typeof BroadcastChannel === 'undefined' ? undefined : new BroadcastChannel('sotto-console')

/** Tells the other tabs of this page that a table has changed. */
export function tellOtherTabs(table: Table): void {
  channel?.postMessage(table)
}

/** Calls `listener` when another tab has changed `table`, until the returned function is called. */
export function onOtherTab(table: Table, listener: () => void): () => void {
  const hear = ({ data }: MessageEvent<unknown>): void => {
    if (data === table) listener()
  }
  channel?.addEventListener('message', hear)
  return () => channel?.removeEventListener('message', hear)
}
