import type { KeptConversation } from '../../keep/index.ts'

/** For programs: everything that is kept. */
export function toJson(conversations: readonly KeptConversation[]): string {
  return `${JSON.stringify({ format: 'sotto-conversations/1', conversations }, undefined, 2)}\n`
}

/** For people: who said what. */
export function toText(
  { title, messages }: KeptConversation,
  names: Readonly<Record<'user' | 'assistant', string>>,
): string {
  const said = messages.map(({ role, text }) => `${names[role]}:\n${text}\n`)
  return [`${title}\n`, ...said].join('\n')
}

/** A name for a file that every system takes. */
export function fileName(title: string, extension: string): string {
  const plain = title
    .normalize('NFKD')
    .replaceAll(/[^A-Za-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
    .slice(0, 40)
    .toLowerCase()
  return `${plain || 'conversation'}.${extension}`
}
