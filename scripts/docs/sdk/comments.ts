import type { Comment, CommentDisplayPart, ParameterReflection } from 'typedoc'

/** The first words of a comment, as paragraphs of markdown. */
export function summary(comment: Comment | undefined): string[] {
  const text = words(comment?.summary)
  return text === '' ? [] : [text]
}

/** What it says of parameters, which have those words now, then its `@returns`, `@throws`, `@default` and `@example`. */
export function blocks(
  comment: Comment | undefined,
  parameters: readonly ParameterReflection[] = [],
): string[] {
  const tags = comment?.blockTags ?? []
  const of = (tag: string) => tags.filter((block) => block.tag === tag)
  const rows = parameters
    .filter((parameter) => parameter.comment?.hasVisibleComponent())
    .map((parameter) => `| \`${parameterName(parameter)}\` | ${memberWords(parameter.comment)} |`)
  return [
    ...(rows.length > 0 ? [['| parameter | |', '|---|---|', ...rows].join('\n')] : []),
    ...of('@returns').map(({ content }) => `Returns ${words(content)}`),
    ...of('@throws').map(({ content }) => `Throws ${words(content)}`),
    ...of('@default').map(({ content }) => `Default: ${defaultOf(words(content))}`),
    ...of('@example').map(({ content }) => `Example: ${exampleOf(words(content))}`),
  ]
}

/** Parameters that are taken apart have no name. */
export function parameterName({ name }: ParameterReflection): string {
  return name === '__namedParameters' ? 'options' : name
}

/** A comment of one member, with its default, in one line. */
export function memberWords(comment: Comment | undefined): string {
  const tags = comment?.blockTags ?? []
  const more = tags
    .filter(({ tag }) => tag === '@default' || tag === '@throws')
    .map(({ tag, content }) =>
      tag === '@default' ? `Default: ${defaultOf(words(content))}.` : `Throws: ${words(content)}.`,
    )
  return oneLine([words(comment?.summary), ...more].filter(Boolean).join(' '))
}

function words(parts: readonly CommentDisplayPart[] | undefined): string {
  return (parts ?? [])
    .map((part) => {
      if (part.kind !== 'inline-tag') return outsideCode(part)
      // {@link name}
      return `\`${part.text}\``
    })
    .join('')
    .trim()
}

/** Only code may look like HTML. */
function outsideCode({ kind, text }: CommentDisplayPart): string {
  return kind === 'code' ? text : text.replaceAll('<', '&lt;')
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|')
}

/** What stands behind these tags TypeDoc takes for code, whatever it is. */
function unfenced(text: string): string {
  return /^```ts\n([^]*)\n```$/.exec(text)?.[1] ?? text
}

function exampleOf(text: string): string {
  const inside = unfenced(text)
  return inside.startsWith('See ') ? inside : `\n\n${text}`
}

function defaultOf(text: string): string {
  const inside = unfenced(text)
  return / [a-z]+ /.test(inside) || inside.includes('`') ? inside : `\`${inside}\``
}
