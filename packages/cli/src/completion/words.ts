import { GLOBAL_FLAGS, type Command } from '../framework/index.ts'

/** What may follow one (possibly partial) command path. */
export interface CompletionNode {
  /** `receipt verify`; empty for the root. */
  path: string
  words: { word: string; summary: string }[]
  /** A positional argument of this command is a file. */
  files: boolean
}

/** All completions, derived from the commands' own data. */
export function completionNodes(commands: readonly Command[]): CompletionNode[] {
  const nodes = new Map<string, CompletionNode>()
  const nodeAt = (path: readonly string[]): CompletionNode => {
    const key = path.join(' ')
    const known = nodes.get(key)
    if (known !== undefined) return known
    const node: CompletionNode = { path: key, words: [...globalWords()], files: false }
    nodes.set(key, node)
    return node
  }
  nodeAt([])
  for (const command of commands) {
    for (const [depth, name] of command.path.entries()) {
      const parent = nodeAt(command.path.slice(0, depth))
      const isLeaf = depth === command.path.length - 1
      if (!parent.words.some((entry) => entry.word === name)) {
        parent.words.push({ word: name, summary: isLeaf ? command.summary : '' })
      }
    }
    const leaf = nodeAt(command.path)
    leaf.files = (command.arguments ?? []).some((argument) => argument.name.startsWith('FILE'))
    for (const [name, flag] of Object.entries(command.flags)) {
      leaf.words.push({ word: `--${name}`, summary: flag.summary })
    }
  }
  return [...nodes.values()]
}

function globalWords(): { word: string; summary: string }[] {
  return [...GLOBAL_FLAGS, ['-h, --help', 'show help'] as const].map(([flags, summary]) => ({
    word: /--[a-z-]+/.exec(flags)![0],
    summary,
  }))
}
