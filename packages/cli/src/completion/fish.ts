import type { CompletionNode, CompletionWord } from './words.ts'

/** For fish 3 and later. */
export function fishScript(nodes: readonly CompletionNode[]): string {
  const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  const paths = nodes.flatMap(({ path }) => (path === '' ? [] : quoted(path)))
  const lineOf = (when: string, { word, summary, short, takes }: CompletionWord): string => {
    const description = summary === '' ? '' : ` -d ${quoted(summary)}`
    if (!word.startsWith('--')) return `complete -c sotto ${when} -a ${quoted(word)}${description}`
    const name = `-l ${word.slice(2)}${short === undefined ? '' : ` -s ${short.slice(1)}`}`
    const value =
      takes === undefined
        ? ''
        : takes === 'file'
          ? ' -r -F'
          : takes === 'text'
            ? ' -x'
            : ` -x -a ${quoted(takes.join(' '))}`
    return `complete -c sotto ${when} ${name}${value}${description}`
  }
  const lines = nodes.flatMap((node) => {
    const when = `-n ${quoted(`__sotto_at ${node.path}`.trim())}`
    const files = node.files ? [`complete -c sotto ${when} -F`] : []
    return [...files, ...node.words.map((word) => lineOf(when, word))]
  })
  return `# sotto completions for fish:  sotto completions fish | source
function __sotto_at
  set -l at
  set -l previous ''
  for word in (commandline -opc)[2..-1]
    if not string match -q -- '-*' $word; and test "$previous" != --config
      set -l further (string join ' ' -- $at $word)
      if contains -- $further ${paths.join(' ')}
        set at $further
      end
    end
    set previous $word
  end
  test "$at" = "$argv"
end
complete -c sotto -e
complete -c sotto -f
${lines.join('\n')}
`
}
