import { z } from 'zod'
import type { GenerateRequest, ToolChoice, ToolDefinition } from '../../engines/types.ts'
import { given } from '../openai/body.ts'
import { ApiError, unsupported } from '../openai/errors.ts'
import { isAnything, listOf } from '../openai/list.ts'

/** Names of functions and of calls, as OpenAI bounds them. */
export const NAME = /^[\w-]{1,64}$/

/** A function as `/v1/responses` has it; chat has it inside `function`. */
const definition = z.object({
  name: z.string().regex(NAME, 'not 1 to 64 of letters, digits, _ and -'),
  description: z.string().max(65_536).nullish(),
  parameters: z.record(z.string(), z.unknown()).nullish(),
})

/** Tools of both routes: other types than `function` are refused by name later. */
export const toolsSchema = listOf('not a list of at most 128 tools', isAnything, { max: 128 })
  .pipe(z.array(z.object({ type: z.string().max(64), function: z.unknown().optional() }).loose()))
  .nullish()

export const toolChoiceSchema = z
  .union([z.string().max(64), z.object({ type: z.string().max(64) }).loose()])
  .nullish()

/** What tools were before there were tools: functions alone, and of one at most a call. */
export const functionsSchema = listOf('not a list of at most 128 functions', isAnything, { max: 128 })
  .pipe(z.array(z.object({ name: z.string().max(64) }).loose()))
  .nullish()

export const functionCallSchema = z
  .union([z.enum(['none', 'auto']), z.object({ name: z.string().max(64) })])
  .nullish()

/** The tool fields of a body. */
export interface ToolFields {
  readonly tools?: z.infer<typeof toolsSchema>
  readonly tool_choice?: z.infer<typeof toolChoiceSchema>
  readonly parallel_tool_calls?: boolean | null | undefined
  readonly functions?: z.infer<typeof functionsSchema>
  readonly function_call?: z.infer<typeof functionCallSchema>
}

/** Whether a body speaks of functions, so that its answer has to do so too. */
export function hasFunctions({ functions }: ToolFields): boolean {
  return functions != null && functions.length > 0
}

interface Names {
  readonly tools: 'tools' | 'functions'
  readonly choice: 'tool_choice' | 'function_call'
}

/**
 * What an engine is asked for. @throws `API_UNSUPPORTED` for tools that are no functions, `API_INVALID`
 */
export function toolRequest(body: ToolFields): ToolRequest {
  if (!hasFunctions(body)) {
    if (typeof body.function_call === 'object' && body.function_call !== null)
      throw new ApiError('API_INVALID', 'function_call: there are no functions', 'function_call')
    return requestOf(body, { tools: 'tools', choice: 'tool_choice' })
  }
  if (body.tools?.length || body.tool_choice != null)
    throw new ApiError('API_INVALID', 'functions: tools have the same meaning; send one of them', 'functions')
  const { function_call: choice } = body
  const fields = {
    tools: body.functions!.map((one) => ({ type: 'function', function: one })),
    tool_choice:
      typeof choice === 'object' && choice !== null ? { type: 'function', function: choice } : choice,
    // An answer of this kind has a place for one.
    parallel_tool_calls: false,
  }
  return requestOf(fields, { tools: 'functions', choice: 'function_call' })
}

type ToolRequest = Pick<GenerateRequest, 'tools' | 'toolChoice' | 'parallelToolCalls'>

function requestOf(body: ToolFields, names: Names): ToolRequest {
  if (!body.tools?.length) {
    if (body.tool_choice != null && body.tool_choice !== 'none' && body.tool_choice !== 'auto')
      throw new ApiError('API_INVALID', 'tool_choice: there are no tools', 'tool_choice')
    return {}
  }
  const tools = body.tools.map((tool, index) => functionOf(tool, index, names))
  if (new Set(tools.map(({ name }) => name)).size < tools.length)
    throw new ApiError('API_INVALID', `${names.tools}: two have the same name`, names.tools)
  const { tool_choice: choice } = body
  const allowed =
    typeof choice === 'object' && choice?.type === 'allowed_tools'
      ? allowedOf(choice, tools)
      : { tools, toolChoice: choiceOf(choice, tools, names) }
  return { ...allowed, ...given({ parallelToolCalls: body.parallel_tool_calls }) }
}

const allowedSchema = z.object({
  mode: z.enum(['auto', 'required']),
  tools: listOf('not a list of 1 to 128 tools', isAnything, { min: 1, max: 128 }).pipe(
    z.array(
      z.object({
        type: z.literal('function'),
        name: z.string().optional(),
        function: z.object({ name: z.string() }).optional(),
      }),
    ),
  ),
})

/** Those of the tools that may be called now; the model is not told of the others. */
function allowedOf(
  choice: Readonly<Record<string, unknown>>,
  tools: readonly ToolDefinition[],
): { tools: ToolDefinition[]; toolChoice: ToolChoice } {
  // Of responses the fields stand beside the type, of chat in an object of their own.
  const result = allowedSchema.safeParse(choice['allowed_tools'] ?? choice)
  if (!result.success)
    throw new ApiError('API_INVALID', 'tool_choice: allowed_tools has a mode and functions', 'tool_choice')
  const names = result.data.tools.map((tool) => tool.function?.name ?? tool.name)
  if (!names.every((name) => tools.some((tool) => tool.name === name)))
    throw new ApiError('API_INVALID', 'tool_choice: no tool has this name', 'tool_choice')
  return { tools: tools.filter(({ name }) => names.includes(name)), toolChoice: result.data.mode }
}

function functionOf(tool: { type: string; function?: unknown }, index: number, names: Names): ToolDefinition {
  if (tool.type !== 'function') throw unsupported('tools', `tools of type ${tool.type} are not offered`)
  const result = definition.safeParse(tool.function ?? tool)
  if (!result.success) {
    const path = [names.tools, index, ...(result.error.issues[0]?.path ?? [])].join('.')
    throw new ApiError('API_INVALID', `${path}: ${result.error.issues[0]?.message ?? 'malformed'}`, path)
  }
  const { name, description, parameters } = result.data
  return { name, ...given({ description, parameters }) }
}

function choiceOf(
  choice: ToolFields['tool_choice'],
  tools: readonly ToolDefinition[],
  names: Names,
): ToolChoice {
  if (choice === undefined || choice === null) return 'auto'
  if (choice === 'none' || choice === 'auto' || choice === 'required') return choice
  if (typeof choice === 'string' || choice.type !== 'function')
    throw unsupported(
      'tool_choice',
      'tool_choice: none, auto, required, one function or allowed_tools are offered',
    )
  const inner = (choice['function'] ?? choice) as { name?: unknown }
  const found = tools.find(({ name }) => name === inner.name)
  if (!found) throw new ApiError('API_INVALID', `${names.choice}: no tool has this name`, names.choice)
  return { name: found.name }
}
