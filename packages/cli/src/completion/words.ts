import { GLOBAL_FLAGS, type Command, type FlagSpec } from '../framework/index.ts'

/** What a value may be: a file, some text nobody can guess, or one of these words. */
export type CompletionValue = 'file' | 'text' | readonly string[]

/** A command, a flag, or a word an argument may be. */
export interface CompletionWord {
  /** `verify`, or with its dashes `--policy`. */
  word: string
  summary: string
  /** `-m`. */
  short?: string
  /** Of a flag that takes a value. */
  takes?: CompletionValue
}

/** What may follow one (possibly partial) command path. */
export interface CompletionNode {
  /** `receipt verify`; empty for the root. */
  path: string
  words: CompletionWord[]
  /** A positional argument of this command is a file. */
  files: boolean
}

/** Names of values that are files or folders. */
const FILES = /^(?:FILE|DIR)\b/

/** All completions, derived from the commands' own data. */
export function completionNodes(commands: readonly Command[]): CompletionNode[] {
  const nodes = new Map<string, CompletionNode>()
  const nodeAt = (path: readonly string[]): CompletionNode => {
    const key = path.join(' ')
    const known = nodes.get(key)
    if (known !== undefined) return known
    const node: CompletionNode = { path: key, words: globalWords(), files: false }
    nodes.set(key, node)
    return node
  }
  nodeAt([])
  for (const command of commands) {
    for (const [depth, name] of command.path.entries()) {
      const parent = nodeAt(command.path.slice(0, depth))
      const isLeaf = depth === command.path.length - 1
      const known = parent.words.find(({ word }) => word === name)
      // A command may have others below it, declared before it or after.
      if (known === undefined) parent.words.push({ word: name, summary: isLeaf ? command.summary : '' })
      else if (isLeaf) known.summary = command.summary
    }
    const leaf = nodeAt(command.path)
    leaf.files = (command.arguments ?? []).some(({ name }) => FILES.test(name))
    for (const choice of (command.arguments ?? []).flatMap(({ choices = [] }) => choices))
      leaf.words.push({ word: choice, summary: '' })
    for (const [name, flag] of Object.entries(command.flags)) leaf.words.push(flagWord(name, flag))
  }
  return [...nodes.values()]
}

function flagWord(name: string, flag: FlagSpec): CompletionWord {
  return {
    word: `--${name}`,
    summary: flag.summary,
    ...(flag.short !== undefined && { short: `-${flag.short}` }),
    ...(flag.type !== 'boolean' && { takes: valueOf(flag) }),
  }
}

function valueOf(flag: Exclude<FlagSpec, { type: 'boolean' }>): CompletionValue {
  if (flag.type === 'string' && flag.choices !== undefined) return flag.choices
  return FILES.test(flag.value) ? 'file' : 'text'
}

function globalWords(): CompletionWord[] {
  return [...GLOBAL_FLAGS, ['-h, --help', 'show help'] as const].map(([flags, summary]) => {
    const [, short, word = '', value] = /^(?:(-\w), )?(--[a-z-]+)(?: <(\w+)>)?$/.exec(flags)!
    return {
      word,
      summary,
      ...(short !== undefined && { short }),
      ...(value !== undefined && { takes: FILES.test(value) ? ('file' as const) : ('text' as const) }),
    }
  })
}
