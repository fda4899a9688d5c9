import type { PublishedModel } from '@sotto/client'
import type { OfferedModel } from '../../service/index.ts'
import type { Summariser } from './ask.ts'

/** A model to choose from. */
export interface Choice extends Summariser {
  isOwn: boolean
}

const KINDS: Readonly<Record<string, Summariser['kind']>> = {
  summarization: 'summary',
  'text-generation': 'chat',
}

/** Models that can summarise: those made for it first. */
export function choicesOf(offered: readonly OfferedModel[], own: readonly PublishedModel[]): Choice[] {
  const all = [
    ...offered.map(({ id, task }) => ({ id, task, isOwn: false })),
    ...own.map(({ id, statement }) => ({ id, task: statement.task, isOwn: true })),
  ].flatMap(({ id, task, isOwn }) => {
    const kind = Object.hasOwn(KINDS, task) ? KINDS[task]! : undefined
    return kind === undefined ? [] : [{ id, kind, isOwn }]
  })
  return all.toSorted((a, b) => Number(a.kind === 'chat') - Number(b.kind === 'chat'))
}
