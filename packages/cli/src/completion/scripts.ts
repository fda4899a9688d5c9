import type { CompletionNode } from './words.ts'

/** Shells with a completion script. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const

/** One of {@link SHELLS}. */
export type Shell = (typeof SHELLS)[number]

/** The script to source. All words come from our own command data, none from outside. */
export function completionScript(shell: Shell, nodes: readonly CompletionNode[]): string {
  switch (shell) {
    case 'bash':
      return bash(nodes)
    case 'zsh':
      return zsh(nodes)
    case 'fish':
      return fish(nodes)
  }
}

function bash(nodes: readonly CompletionNode[]): string {
  return `# sotto completion for bash:  source <(sotto completion bash)
_sotto() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ "$word" == -* ]] && continue
    case "$path\${path:+ }$word" in
      ${nodes
        .filter((node) => node.path !== '')
        .map((node) => `"${node.path}"`)
        .join('|')}) path="$path\${path:+ }$word" ;;
    esac
  done
  case "$path" in
${nodes.map((node) => `    "${node.path}") COMPREPLY=($(compgen ${node.files ? '-f ' : ''}-W "${node.words.map((entry) => entry.word).join(' ')}" -- "$current")) ;;`).join('\n')}
  esac
}
complete -o filenames -F _sotto sotto
`
}

function zsh(nodes: readonly CompletionNode[]): string {
  const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
  const describe = (node: CompletionNode): string =>
    node.words.map(({ word, summary }) => quoted(`${word}:${summary}`)).join(' ')
  return `#compdef sotto
# sotto completion for zsh:  source <(sotto completion zsh)
_sotto() {
  local sotto_path="" word
  local -a entries
  for word in "\${(@)words[2,CURRENT-1]}"; do
    [[ "$word" == -* ]] && continue
    case "$sotto_path\${sotto_path:+ }$word" in
      ${nodes
        .filter((node) => node.path !== '')
        .map((node) => `"${node.path}"`)
        .join('|')}) sotto_path="$sotto_path\${sotto_path:+ }$word" ;;
    esac
  done
  case "$sotto_path" in
${nodes.map((node) => `    "${node.path}") entries=(${describe(node)}); _describe sotto entries${node.files ? '; _files' : ''} ;;`).join('\n')}
  esac
}
compdef _sotto sotto
`
}

function fish(nodes: readonly CompletionNode[]): string {
  const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  const lines = nodes.flatMap((node) => {
    const steps = node.path === '' ? [] : node.path.split(' ')
    const children = node.words.filter(({ word }) => !word.startsWith('--')).map(({ word }) => word)
    const seen = steps.map((step) => `__fish_seen_subcommand_from ${step}`)
    const unseen = children.length > 0 ? [`not __fish_seen_subcommand_from ${children.join(' ')}`] : []
    const condition = [...seen, ...unseen].join('; and ')
    const when = condition === '' ? '' : ` -n ${quoted(condition)}`
    const files = node.files ? [`complete -c sotto${when} -F`] : []
    return files.concat(
      node.words.map(({ word, summary }) => {
        const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`
        return `complete -c sotto${when} ${what}${summary === '' ? '' : ` -d ${quoted(summary)}`}`
      }),
    )
  })
  return `# sotto completion for fish:  sotto completion fish | source
complete -c sotto -f
${lines.join('\n')}
`
}
