import { type ErrorCode, isAlias, isCollection, LineCounter, parseDocument, visit } from 'yaml'

/** Deeper than anything that there is to say, and far from the end of a stack. */
const MAX_DEPTH = 16

/** What is wrong with a text, in our words: those of the parser may quote what stands there. */
const PROBLEMS: Partial<Record<ErrorCode, string>> = {
  BAD_ALIAS: 'an alias of nothing',
  BAD_DIRECTIVE: 'a directive',
  BAD_DQ_ESCAPE: 'an escape that there is not',
  BAD_INDENT: 'indentation that does not fit, or a bracket without its end',
  BAD_SCALAR_START: 'text that needs quotes, for it begins with @ or `',
  BLOCK_AS_IMPLICIT_KEY: 'a second colon in one line: quotes or a line break are missing',
  DUPLICATE_KEY: 'a member that stands there already',
  MISSING_CHAR: 'something without its end: a quote, bracket or comma is missing',
  MULTILINE_IMPLICIT_KEY: 'a member without a colon',
  MULTIPLE_DOCS: 'a second document',
  NON_STRING_KEY: 'a member whose name is no text',
  RESOURCE_EXHAUSTION: 'members too deep in one another',
  TAB_AS_INDENT: 'a tab in the indentation, which spaces make',
  TAG_RESOLVE_FAILED: 'a tag',
}

/** A text that is no plain YAML: why and where, in words that quote nothing of it. */
export class NotPlainYaml extends Error {}

/**
 * The value of a text of YAML 1.2, core schema, one document. What is written is what there is: no alias, anchor or tag, no
 * member twice, no merge, no name of a member but text. Times stay text.
 *
 * @throws {@link NotPlainYaml}
 */
export function parsePlainYaml(text: string): unknown {
  const lineCounter = new LineCounter()
  const refuse = (what: string, at: number): Error => {
    const { line, col } = lineCounter.linePos(at)
    return new NotPlainYaml(`${what} at line ${line}, column ${col}`)
  }
  const document = parseDocument(text, {
    schema: 'core',
    merge: false,
    resolveKnownTags: false,
    stringKeys: true,
    uniqueKeys: true,
    lineCounter,
  })
  const [problem] = [...document.errors, ...document.warnings]
  if (problem !== undefined)
    throw refuse(PROBLEMS[problem.code] ?? 'something that is no YAML', problem.pos[0])
  visit(document, {
    Node(_, node, path) {
      const at = node.range?.[0] ?? 0
      if (isAlias(node)) throw refuse('an alias', at)
      if (node.anchor !== undefined) throw refuse('an anchor', at)
      if (node.tag !== undefined) throw refuse('a tag', at)
      if (path.filter(isCollection).length > MAX_DEPTH) throw refuse('members too deep in one another', at)
    },
  })
  return document.toJS({ maxAliasCount: 0 }) as unknown
}
