import { z } from 'zod'
import type { GenerateRequest, ToolChoice, ToolDefinition } from '../../engines/types.ts'
import { given } from '../openai/body.ts'
import { ApiError, unsupported } from '../openai/errors.ts'

/** Names of functions and of calls, as OpenAI bounds them. */
export const NAME = /^[\w-]{1,64}$/

/** A function as `/v1/responses` has it; chat has it inside `function`. */
const definition = z.object({
  name: z.string().regex(NAME, 'not 1 to 64 of letters, digits, _ and -'),
  description: z.string().max(65_536).nullish(),
  parameters: z.record(z.string(), z.unknown()).nullish(),
})

/** Tools of both routes: other types than `function` are refused by name later. */
export const toolsSchema = z
  .array(z.object({ type: z.string().max(64), function: z.unknown().optional() }).loose())
  .max(128)
  .nullish()

export const toolChoiceSchema = z
  .union([z.string().max(64), z.object({ type: z.string().max(64) }).loose()])
  .nullish()

/** The tool fields of a body. */
export interface ToolFields {
  readonly tools?: z.infer<typeof toolsSchema>
  readonly tool_choice?: z.infer<typeof toolChoiceSchema>
  readonly parallel_tool_calls?: boolean | null | undefined
}

/**
 * What an engine is asked for. @throws `API_UNSUPPORTED` for tools that are no functions, `API_INVALID`
 */
export function toolRequest(
  body: ToolFields,
): Pick<GenerateRequest, 'tools' | 'toolChoice' | 'parallelToolCalls'> {
  if (!body.tools?.length) {
    if (body.tool_choice != null && body.tool_choice !== 'none' && body.tool_choice !== 'auto')
      throw new ApiError('API_INVALID', 'tool_choice: there are no tools', 'tool_choice')
    return {}
  }
  const tools = body.tools.map((tool, index) => functionOf(tool, index))
  if (new Set(tools.map(({ name }) => name)).size < tools.length)
    throw new ApiError('API_INVALID', 'tools: two have the same name', 'tools')
  const toolChoice = choiceOf(body.tool_choice, tools)
  return { tools, toolChoice, ...given({ parallelToolCalls: body.parallel_tool_calls }) }
}

function functionOf(tool: { type: string; function?: unknown }, index: number): ToolDefinition {
  if (tool.type !== 'function') throw unsupported('tools', `tools of type ${tool.type} are not offered`)
  const result = definition.safeParse(tool.function ?? tool)
  if (!result.success) {
    const path = ['tools', index, ...(result.error.issues[0]?.path ?? [])].join('.')
    throw new ApiError('API_INVALID', `${path}: ${result.error.issues[0]?.message ?? 'malformed'}`, path)
  }
  const { name, description, parameters } = result.data
  return { name, ...given({ description, parameters }) }
}

function choiceOf(choice: ToolFields['tool_choice'], tools: readonly ToolDefinition[]): ToolChoice {
  if (choice === undefined || choice === null) return 'auto'
  if (choice === 'none' || choice === 'auto' || choice === 'required') return choice
  if (typeof choice === 'string' || choice.type !== 'function')
    throw unsupported('tool_choice', 'tool_choice: none, auto, required or one function are offered')
  const inner = (choice['function'] ?? choice) as { name?: unknown }
  const found = tools.find(({ name }) => name === inner.name)
  if (!found) throw new ApiError('API_INVALID', 'tool_choice: no tool has this name', 'tool_choice')
  return { name: found.name }
}
