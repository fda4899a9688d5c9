/** How a model writes calls into its answer: `begin`, calls with `between` them, `end`. */
export interface ToolSyntax {
  /** Text that never stands in an answer unless a call follows. `begin` and `open` together begin with it. */
  readonly trigger: string
  readonly begin: string
  /** Before the name. */
  readonly open: string
  /** Between name and arguments. */
  readonly middle: string
  /** After the arguments. */
  readonly close: string
  readonly between: string
  readonly end: string
}

/** Hermes and Qwen; ours too, for models whose template knows no tools. */
export const TAGGED: ToolSyntax = {
  trigger: '<tool_call>',
  begin: '',
  open: '<tool_call>\n{"name": "',
  middle: '", "arguments": ',
  close: '}\n</tool_call>',
  between: '\n',
  end: '',
}

/** Mistral. */
export const LISTED: ToolSyntax = {
  trigger: '[TOOL_CALLS]',
  begin: '[TOOL_CALLS][',
  open: '{"name": "',
  middle: '", "arguments": ',
  close: '}',
  between: ', ',
  end: ']',
}

/** Llama 3: the whole answer is one call or several. */
export const BARE: ToolSyntax = {
  trigger: '{"name": "',
  begin: '',
  open: '{"name": "',
  middle: '", "parameters": ',
  close: '}',
  between: '; ',
  end: '',
}

/** A use of the variable `tools`, in contrast to the word in a text. */
const READS_TOOLS = /\b(?:if|elif|in|not|and|or|=)\s+tools\b|\btools\s*(?:\||is\b|\[)/

/** The syntax a chat template teaches; undefined when it does nothing with tools. */
export function syntaxOf(template: string): ToolSyntax | undefined {
  if (!READS_TOOLS.test(template)) return undefined
  if (template.includes('[TOOL_CALLS]')) return LISTED
  if (template.includes('"parameters"') && !template.includes('<tool_call>')) return BARE
  return TAGGED
}
