import type { Component } from 'svelte'
import type { Connection } from '../connection/index.ts'
import type { words } from '../words/index.ts'

/** What every page is given. */
export interface PageProps {
  connection: Connection
}

export type PageName = keyof typeof words.pages

interface Route {
  /** Path data of a 24 × 24 drawing. */
  icon: string
  load: () => Promise<{ default: Component<PageProps> | Component }>
}

/** Pages in the order of the menu; each is loaded when it is opened. */
export const ROUTES: Readonly<Record<PageName, Route>> = {
  assistant: {
    icon: 'M4 5h16v11H9l-5 4zM8 9h8M8 12h5',
    load: () => import('../pages/assistant/Assistant.svelte'),
  },
  transcribe: {
    icon: 'M12 3v18M8 7v10M4 10v4M16 7v10M20 10v4',
    load: () => import('../pages/transcribe/Transcribe.svelte'),
  },
  summarise: {
    icon: 'M5 4h14M5 9h14M5 14h9M5 19h6',
    load: () => import('../pages/summarise/Summarise.svelte'),
  },
  models: {
    icon: 'M12 3 3 7.500l9 4.500 9-4.500zM3 12l9 4.500 9-4.500M3 16.500 12 21l9-4.500',
    load: () => import('../pages/models/Models.svelte'),
  },
  trust: {
    icon: 'M12 3 20 6v6c0 5-3.500 8-8 9.500C7.500 20 4 17 4 12V6zM8.500 12l2.500 2.500 4.500-5',
    load: () => import('../pages/trust/Trust.svelte'),
  },
  receipts: {
    icon: 'M6 3h12v18l-3-2-3 2-3-2-3 2zM9 8h6M9 12h6',
    load: () => import('../pages/receipts/Receipts.svelte'),
  },
  rooms: {
    icon: 'M4 21V5l8-2v18M12 8h8v13H4M9 12h0',
    load: () => import('../pages/rooms/Rooms.svelte'),
  },
  training: {
    icon: 'M4 19 10 12l4 3 6-9M15 6h5v5',
    load: () => import('../pages/training/Training.svelte'),
  },
}

export const PAGE_NAMES = Object.keys(ROUTES) as PageName[]

/** Page named by an address like `#/trust`; the first page for anything else. */
export function pageOf(hash: string): PageName {
  const name = /^#\/([a-z]+)$/.exec(hash)?.[1] ?? ''
  return PAGE_NAMES.find((page) => page === name) ?? PAGE_NAMES[0]!
}
