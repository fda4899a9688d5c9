import { flagsWithWords, typedBefore } from './values.ts'
import type { CompletionNode, CompletionWord } from './words.ts'

/** For PowerShell 5.1 and later. Where nothing is offered, it completes files itself. */
export function powershellScript(nodes: readonly CompletionNode[]): string {
  // Curly quotes end a string too.
  const quoted = (text: string): string => `'${text.replaceAll(/['\u2018\u2019\u201A\u201B]/g, '$&$&')}'`
  const list = (texts: readonly string[]): string => `@(${texts.map(quoted).join(', ')})`
  const entry = ({ word, summary }: CompletionWord): string =>
    `@(${quoted(word)}, ${quoted(summary === '' ? word : summary)})`
  return `# sotto completions for PowerShell:  sotto completions powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName sotto -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @{
${nodes.map((node) => `    ${quoted(node.path)} = @(${node.words.map(entry).join(', ')})`).join('\n')}
  }
  $values = @{
${flagsWithWords(nodes)
  .flatMap(({ typed, words }) => typed.map((key) => `    ${quoted(key)} = ${list(words)}`))
  .join('\n')}
  }
  $free = ${list([...typedBefore(nodes, 'file'), ...typedBefore(nodes, 'text')])}
  $path = ''
  $previous = ''
  foreach ($element in ($commandAst.CommandElements | Select-Object -Skip 1)) {
    if ($element.Extent.EndOffset -ge $cursorPosition -and $wordToComplete -ne '') { break }
    $word = $element.ToString()
    $further = "$path $word".Trim()
    if (-not $word.StartsWith('-') -and $previous -cne '--config' -and $words.ContainsKey($further)) {
      $path = $further
    }
    $previous = $word
  }
  if ($free -ccontains "$path $previous") { return }
  $offered = $words[$path]
  if ($values.ContainsKey("$path $previous")) {
    $offered = @($values["$path $previous"] | ForEach-Object { , @($_, $_) })
  }
  $offered | Where-Object { $_[0].StartsWith($wordToComplete) } | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_[0], $_[0], 'ParameterValue', $_[1])
  }
}
`
}
