import { flagsWithWords, typedBefore } from './values.ts'
import type { CompletionNode } from './words.ts'

/** For zsh after `compinit`: sourced, or as the file `_sotto` in a folder of `fpath`. */
export function zshScript(nodes: readonly CompletionNode[]): string {
  const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
  const oneOf = (keys: readonly string[]): string => keys.map((key) => `"${key}"`).join('|')
  const describe = (node: CompletionNode): string =>
    node.words.map(({ word, summary }) => quoted(summary === '' ? word : `${word}:${summary}`)).join(' ')
  const paths = nodes.flatMap(({ path }) => (path === '' ? [] : path))
  return `#compdef sotto
# sotto completions for zsh:  source <(sotto completions zsh)
_sotto() {
  local sotto_path="" previous="" word
  local -a entries
  for word in "\${(@)words[2,CURRENT-1]}"; do
    if [[ "$word" != -* && "$previous" != --config ]]; then
      case "$sotto_path\${sotto_path:+ }$word" in
        ${oneOf(paths)}) sotto_path="$sotto_path\${sotto_path:+ }$word" ;;
      esac
    fi
    previous="$word"
  done
  case "$sotto_path $previous" in
${flagsWithWords(nodes)
  .map(({ typed, words }) => `    ${oneOf(typed)}) compadd -- ${words.map(quoted).join(' ')}; return ;;`)
  .join('\n')}
    ${oneOf(typedBefore(nodes, 'file'))}) _files; return ;;
    ${oneOf(typedBefore(nodes, 'text'))}) return ;;
  esac
  case "$sotto_path" in
${nodes.map((node) => `    "${node.path}") entries=(${describe(node)}); _describe sotto entries${node.files ? '; _files' : ''} ;;`).join('\n')}
  esac
}
compdef _sotto sotto
`
}
