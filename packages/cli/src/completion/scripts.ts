import { bashScript } from './bash.ts'
import { fishScript } from './fish.ts'
import { powershellScript } from './powershell.ts'
import type { CompletionNode } from './words.ts'
import { zshScript } from './zsh.ts'

/** Shells with a completion script. */
export const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const

/** One of {@link SHELLS}. */
export type Shell = (typeof SHELLS)[number]

const SCRIPTS: Readonly<Record<Shell, (nodes: readonly CompletionNode[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
  powershell: powershellScript,
}

/** The script to source. All words come from our own command data, none from outside. */
export function completionScript(shell: Shell, nodes: readonly CompletionNode[]): string {
  return SCRIPTS[shell](nodes)
}
