import { Template } from '@huggingface/jinja'
import { engineError } from '../errors.ts'
import type { ChatMessage, ToolDefinition } from '../types.ts'
import { isDeeper } from '../json-schema/depth.ts'
import { Marks, type PromptPart } from './tools/marks.ts'
import { syntaxOf, type ToolSyntax } from './tools/syntax.ts'
import { tellTools, toolObject } from './tools/tool-messages.ts'

const MAX_TEMPLATE_LENGTH = 256 * 1024
const MAX_MESSAGES = 1024
const MAX_ARGUMENT_DEPTH = 128
const ROLES: readonly string[] = ['system', 'developer', 'user', 'assistant', 'tool']
const LABELS: Readonly<Record<ChatMessage['role'], string>> = {
  system: 'System',
  developer: 'System',
  user: 'User',
  assistant: 'Assistant',
  tool: 'Tool',
}

/** Strings a template may refer to. */
export interface TemplateTokens {
  readonly bos: string
  readonly eos: string
}

/** How a conversation becomes a prompt. */
export interface ChatTemplate {
  /** The whole prompt, for messages that hold no special token. */
  render(messages: readonly ChatMessage[], tools?: readonly ToolDefinition[]): string
  /** The prompt in parts, so that "<|end|>" in a message does not end the message. */
  renderParts(messages: readonly ChatMessage[], tools?: readonly ToolDefinition[]): PromptPart[]
  /** Strings that end an answer beside the model's own end token. */
  readonly stops: readonly string[]
  /** How the model was taught to write calls, if it was. */
  readonly toolSyntax?: ToolSyntax
}

/**
 * The chat template of a model (Jinja, from its file, so its owner controls it; it runs inside the sandbox), or plain
 * "User: ... Assistant:" lines when it has none. @throws `ENGINE_MODEL_INVALID` for a template that does not parse
 */
export function createChatTemplate(source: string | undefined, tokens: TemplateTokens): ChatTemplate {
  const toolSyntax = source === undefined ? undefined : syntaxOf(source)
  const write = source === undefined ? writePlain : jinja(source, tokens)
  const told = (messages: readonly ChatMessage[], tools: readonly ToolDefinition[]): Conversation =>
    toolSyntax
      ? { messages: checked(messages), tools }
      : { messages: tellTools(checked(messages), tools, source !== undefined), tools: [] }
  return {
    render: (messages, tools = []) => write(told(messages, tools), PLAIN),
    renderParts: (messages, tools = []) => {
      const marks = new Marks()
      return marks.cut(write(told(messages, tools), marks))
    },
    stops: source === undefined ? ['\nUser:', '\nSystem:'] : [],
    ...(toolSyntax && { toolSyntax }),
  }
}

interface Conversation {
  readonly messages: readonly ChatMessage[]
  readonly tools: readonly ToolDefinition[]
}

/** What is put in place of what people say. */
type Show = Pick<Marks, 'text' | 'value'>

const PLAIN: Show = { text: (text) => text, value: (value) => value }

type Write = (conversation: Conversation, show: Show) => string

function jinja(source: string, tokens: TemplateTokens): Write {
  if (source.length > MAX_TEMPLATE_LENGTH)
    throw engineError('ENGINE_MODEL_INVALID', 'chat template is too long')
  let template: Template
  try {
    template = new Template(source)
  } catch (cause) {
    throw engineError('ENGINE_MODEL_INVALID', 'chat template does not parse', { cause })
  }
  return ({ messages, tools }, show) => {
    const shown = messages.map((message) => turn(message, show))
    // Names of types and tools are words of ours or checked; what can hold anything is marked.
    const offered = tools.map((tool) => toolObject({ ...tool, ...described(tool, show) }))
    try {
      return template.render({
        messages: shown,
        ...(offered.length > 0 && { tools: offered }),
        add_generation_prompt: true,
        bos_token: tokens.bos,
        eos_token: tokens.eos,
      })
    } catch (cause) {
      // Templates raise exceptions for orders of roles they do not know.
      throw engineError('ENGINE_INPUT', 'the chat template of this model does not accept these messages', {
        cause,
      })
    }
  }
}

function turn({ role, content, toolCalls, toolCallId }: ChatMessage, show: Show): object {
  return {
    role: role === 'developer' ? 'system' : role,
    content: show.text(content),
    ...(toolCalls && {
      tool_calls: toolCalls.map((call) => ({
        id: call.id,
        type: 'function',
        function: { name: call.name, arguments: show.value(parsed(call.arguments)) },
      })),
    }),
    ...(toolCallId !== undefined && { tool_call_id: toolCallId }),
  }
}

function described({ description, parameters }: ToolDefinition, show: Show): Partial<ToolDefinition> {
  return {
    ...(description !== undefined && { description: String(show.value(description)) }),
    ...(parameters !== undefined && { parameters: show.value(parameters) }),
  }
}

function parsed(text: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw engineError('ENGINE_INPUT', 'the arguments of a tool call are not JSON')
  }
  if (isDeeper(value, MAX_ARGUMENT_DEPTH))
    throw engineError('ENGINE_INPUT', 'the arguments of a tool call nest too deep')
  return value
}

function writePlain({ messages }: Conversation, show: Show): string {
  return `${messages.map(({ role, content }) => `${LABELS[role]}: ${show.text(content)}\n`).join('')}Assistant:`
}

function checked(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  if (!Array.isArray(messages) || messages.length === 0 || messages.length > MAX_MESSAGES) {
    throw engineError('ENGINE_INPUT', 'messages are not a list of 1 to 1024')
  }
  for (const message of messages as readonly ChatMessage[]) {
    if (!ROLES.includes(message?.role) || typeof message.content !== 'string') {
      throw engineError('ENGINE_INPUT', 'a message has no known role or no text')
    }
    for (const call of message.toolCalls ?? []) {
      if (
        !/^[\w-]{1,64}$/.test(call?.name) ||
        !/^[\w-]{1,64}$/.test(call.id) ||
        typeof call.arguments !== 'string'
      )
        throw engineError('ENGINE_INPUT', 'a tool call has a malformed name, id or arguments')
      parsed(call.arguments)
    }
    if (message.toolCallId !== undefined && !/^[\w-]{1,64}$/.test(message.toolCallId))
      throw engineError('ENGINE_INPUT', 'a tool message has a malformed id')
  }
  return messages
}
