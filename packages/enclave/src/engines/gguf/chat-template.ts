import { Template } from '@huggingface/jinja'
import { engineError } from '../errors.ts'
import type { ChatMessage } from '../types.ts'

const MAX_TEMPLATE_LENGTH = 256 * 1024
const MAX_MESSAGES = 1024
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

/** A stretch of a prompt: of the template, whose special tokens count, or of a message, whose words are only words. */
export interface PromptPart {
  readonly text: string
  readonly isTemplate: boolean
}

/** How a conversation becomes a prompt. */
export interface ChatTemplate {
  /** The whole prompt, for messages that hold no special token. */
  render(messages: readonly ChatMessage[]): string
  /** The prompt in parts, so that "<|end|>" in a message does not end the message. */
  renderParts(messages: readonly ChatMessage[]): PromptPart[]
  /** Strings that end an answer beside the model's own end token. */
  readonly stops: readonly string[]
}

/**
 * The chat template of a model (Jinja, from its file, so its owner controls it; it runs inside the sandbox), or plain
 * "User: ... Assistant:" lines when it has none. @throws `ENGINE_MODEL_INVALID` for a template that does not parse
 */
export function createChatTemplate(source: string | undefined, tokens: TemplateTokens): ChatTemplate {
  const write = source === undefined ? writePlain : jinja(source, tokens)
  return {
    render: (messages) => write(checked(messages)),
    renderParts: (messages) => renderParts(write, checked(messages)),
    stops: source === undefined ? ['\nUser:', '\nSystem:'] : [],
  }
}

type Write = (messages: readonly ChatMessage[]) => string

function jinja(source: string, tokens: TemplateTokens): Write {
  if (source.length > MAX_TEMPLATE_LENGTH)
    throw engineError('ENGINE_MODEL_INVALID', 'chat template is too long')
  let template: Template
  try {
    template = new Template(source)
  } catch (cause) {
    throw engineError('ENGINE_MODEL_INVALID', 'chat template does not parse', { cause })
  }
  return (messages) => {
    const shown = messages.map(({ role, content }) => ({
      role: role === 'developer' ? 'system' : role,
      content,
    }))
    try {
      return template.render({
        messages: shown,
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

function writePlain(messages: readonly ChatMessage[]): string {
  return `${messages.map(({ role, content }) => `${LABELS[role]}: ${content}\n`).join('')}Assistant:`
}

/** Renders with a mark in place of each content, then cuts at the marks. The marks are in a private-use plane. */
function renderParts(write: Write, messages: readonly ChatMessage[]): PromptPart[] {
  const marked = messages.map((message, index) => ({ ...message, content: `\u{F0000}${index}\u{F0001}` }))
  const parts: PromptPart[] = []
  let at = 0
  const rendered = write(marked)
  for (const match of rendered.matchAll(/\u{F0000}(\d+)\u{F0001}/gu)) {
    parts.push({ text: rendered.slice(at, match.index), isTemplate: true })
    parts.push({ text: messages[Number(match[1])]?.content ?? '', isTemplate: false })
    at = match.index + match[0].length
  }
  parts.push({ text: rendered.slice(at), isTemplate: true })
  return parts.filter((part) => part.text !== '')
}

function checked(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  if (!Array.isArray(messages) || messages.length === 0 || messages.length > MAX_MESSAGES) {
    throw engineError('ENGINE_INPUT', 'messages are not a list of 1 to 1024')
  }
  for (const message of messages as readonly ChatMessage[]) {
    if (!ROLES.includes(message?.role) || typeof message.content !== 'string') {
      throw engineError('ENGINE_INPUT', 'a message has no known role or no text')
    }
  }
  return messages
}
