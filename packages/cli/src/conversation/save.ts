import { resolve } from 'node:path'
import type { Io } from '../framework/index.ts'
import { createPrivateFile } from '../input/index.ts'
import { printable } from '../terminal/index.ts'
import type { Conversation } from './conversation.ts'

/**
 * Writes a conversation to a new file that its owner alone may read, because they asked for it: nothing else ever
 * writes one. Whoever shows the file on a terminal meets no escape sequence of an answer there.
 * @throws `CLI_FILE` it exists already, or cannot be written
 */
export async function saveConversation(
  conversation: Conversation,
  { cwd, env }: Pick<Io, 'cwd' | 'env'>,
  file: string,
): Promise<void> {
  // No shell reads what is typed here.
  const path = env['HOME'] === undefined ? file : file.replace(/^~(?=\/)/, () => env['HOME']!)
  await createPrivateFile(resolve(cwd, path), formatConversation(conversation), 'nothing here replaces one')
}

/** As Markdown: a heading for who speaks, then the text. */
export function formatConversation({ system, turns }: Pick<Conversation, 'system' | 'turns'>): string {
  const parts = [
    ...(system === undefined ? [] : [`## Instructions\n\n${system}`]),
    ...turns.map(({ role, content }) => `## ${role === 'user' ? 'You' : 'Answer'}\n\n${content.trim()}`),
  ]
  return `${printable(parts.join('\n\n'))}\n`
}
