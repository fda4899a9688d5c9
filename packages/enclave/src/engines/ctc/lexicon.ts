/** A beginning of words. */
export interface LexiconNode {
  readonly next: Map<string, LexiconNode>
}

/** Beginnings of the words a language model knows. */
export class Lexicon {
  readonly root: LexiconNode = { next: new Map() }

  constructor(words: Iterable<string>) {
    for (const word of words) {
      let node = this.root
      for (const character of word) {
        let next = node.next.get(character)
        if (next === undefined) node.next.set(character, (next = { next: new Map() }))
        node = next
      }
    }
  }

  /** Where `text` leads from a beginning; undefined: no known word goes on like that. */
  find(from: LexiconNode, text: string): LexiconNode | undefined {
    let node: LexiconNode | undefined = from
    for (const character of text) node = node?.next.get(character)
    return node
  }
}
