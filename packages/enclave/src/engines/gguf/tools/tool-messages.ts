import type { ChatMessage, ToolDefinition } from '../../types.ts'
import { TAGGED } from './syntax.ts'

/**
 * A conversation with tools, said in plain text, for models whose template knows none: the tools in the system turn,
 * calls and results as they are written in answers. `asUser`: results in turns of the user, where a template may not
 * know turns of tools.
 */
export function tellTools(
  messages: readonly ChatMessage[],
  tools: readonly ToolDefinition[],
  asUser: boolean,
): ChatMessage[] {
  const told: ChatMessage[] = []
  for (const { role, content, toolCalls = [] } of messages) {
    if (role === 'tool' && asUser) {
      const result = `<tool_response>\n${content}\n</tool_response>`
      const last = told.at(-1)
      // Results of one answer are one turn: many templates want turns to alternate.
      if (last?.role === 'user' && last.content.endsWith('</tool_response>'))
        told[told.length - 1] = { role: 'user', content: `${last.content}\n${result}` }
      else told.push({ role: 'user', content: result })
      continue
    }
    const calls = toolCalls.map(
      (call) => `${TAGGED.open}${call.name}${TAGGED.middle}${call.arguments}${TAGGED.close}`,
    )
    told.push({
      role,
      content: [content, ...calls].filter((text) => text !== '' || calls.length === 0).join('\n'),
    })
  }
  if (tools.length === 0) return told
  const [first, ...rest] = told
  const isSystem = first?.role === 'system' || first?.role === 'developer'
  const content = isSystem ? `${first.content}\n\n${describe(tools)}` : describe(tools)
  return [{ role: 'system', content }, ...(isSystem ? rest : told)]
}

/** Short: a small model has a small context. */
function describe(tools: readonly ToolDefinition[]): string {
  const lines = tools.map(({ name, description, parameters }) =>
    JSON.stringify({ name, description, parameters }),
  )
  const how = `${TAGGED.open}NAME${TAGGED.middle}OBJECT${TAGGED.close}`
  return ['You may call these functions:', ...lines, 'Write each call like this:', how].join('\n')
}

/** A tool as OpenAI and chat templates have it. */
export function toolObject({ name, description, parameters }: ToolDefinition): object {
  return {
    type: 'function',
    function: {
      name,
      description: description ?? '',
      parameters: parameters ?? { type: 'object', properties: {} },
    },
  }
}
