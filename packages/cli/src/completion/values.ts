import type { CompletionNode, CompletionValue } from './words.ts'

/** A flag behind the path of its command, as it is typed: `transcribe --format`, `transcribe -f`. */
export interface CompletionFlag {
  typed: readonly string[]
  takes: CompletionValue
}

/** Flags that take a value, at every path. */
export function valueFlags(nodes: readonly CompletionNode[]): CompletionFlag[] {
  return nodes.flatMap(({ path, words }) =>
    words.flatMap(({ word, short, takes }) =>
      takes === undefined
        ? []
        : [{ takes, typed: [word, short].flatMap((name) => (name === undefined ? [] : `${path} ${name}`)) }],
    ),
  )
}

/** What is typed before a value of one kind. */
export function typedBefore(nodes: readonly CompletionNode[], kind: 'file' | 'text'): string[] {
  return valueFlags(nodes).flatMap(({ typed, takes }) => (takes === kind ? typed : []))
}

/** Flags whose values are known words. */
export function flagsWithWords(
  nodes: readonly CompletionNode[],
): { typed: readonly string[]; words: readonly string[] }[] {
  return valueFlags(nodes).flatMap(({ typed, takes }) =>
    typeof takes === 'string' ? [] : [{ typed, words: takes }],
  )
}
