import { flagsWithWords, typedBefore } from './values.ts'
import type { CompletionNode } from './words.ts'

/** For bash 3.2 and later. Words are ours and have nothing to quote. */
export function bashScript(nodes: readonly CompletionNode[]): string {
  const oneOf = (keys: readonly string[]): string => keys.map((key) => `"${key}"`).join('|')
  const paths = nodes.flatMap(({ path }) => (path === '' ? [] : path))
  return `# sotto completions for bash:  source <(sotto completions bash)
_sotto() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="" path="" word
  COMPREPLY=()
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [[ "$word" != -* && "$previous" != --config ]]; then
      case "$path\${path:+ }$word" in
        ${oneOf(paths)}) path="$path\${path:+ }$word" ;;
      esac
    fi
    previous="$word"
  done
  case "$path $previous" in
${flagsWithWords(nodes)
  .map(({ typed, words }) => `    ${oneOf(typed)}) ${replyWith(words)}; return ;;`)
  .join('\n')}
    ${oneOf(typedBefore(nodes, 'file'))}) compopt -o default 2>/dev/null; return ;;
    ${oneOf(typedBefore(nodes, 'text'))}) return ;;
  esac
  case "$path" in
${nodes.map((node) => `    "${node.path}") ${replyWith(node.words.map(({ word }) => word))}${node.files ? '; [[ "$current" == -* ]] || compopt -o default 2>/dev/null' : ''} ;;`).join('\n')}
  esac
}
complete -F _sotto sotto
`
}

function replyWith(words: readonly string[]): string {
  return `COMPREPLY=($(compgen -W "${words.join(' ')}" -- "$current"))`
}
