import type { LlamaModel, Token } from 'node-llama-cpp'
import { engineError } from '../errors.ts'
import type { ChatMessage, GenerateRequest, ToolDefinition } from '../types.ts'
import type { ChatTemplate } from './chat-template.ts'
import { activeTools } from './constraint.ts'
import { canReadWhole, textTokens } from './tokens.ts'
import { textsOf } from './tools/marks.ts'

/** Characters of a prompt at most; no context holds more. */
const MAX_PROMPT_LENGTH = 16_000_000

/** Token ids of a request's prompt or conversation, with the model's beginning token. @throws `ENGINE_INPUT` */
export function promptTokens(
  model: LlamaModel,
  template: ChatTemplate,
  vocabulary: number,
  request: GenerateRequest,
): Token[] {
  const { messages, prompt } = request
  if ((messages === undefined) === (prompt === undefined))
    throw engineError('ENGINE_INPUT', 'exactly one of messages and prompt is needed')
  const tokens =
    messages === undefined ? ofPrompt(model, vocabulary, request) : ofMessages(model, template, request)
  const { bos, shouldPrependBosToken } = model.tokens
  if (bos !== null && shouldPrependBosToken && tokens[0] !== bos) tokens.unshift(bos)
  if (tokens.length === 0) throw engineError('ENGINE_INPUT', 'the prompt is empty')
  return tokens
}

/** Token ids of a prompt without the beginning token. */
function ofPrompt(model: LlamaModel, vocabulary: number, { prompt, suffix }: GenerateRequest): Token[] {
  const before = tokensOf(model, vocabulary, prompt!)
  if (suffix === undefined) return before
  const { prefix, suffix: behind, middle } = model.tokens.infill
  if (prefix === null || behind === null || middle === null)
    throw engineError('ENGINE_UNSUPPORTED', 'suffix: this model has no tokens to fill the middle')
  return [prefix, ...before, behind, ...tokensOf(model, vocabulary, suffix), middle]
}

function tokensOf(model: LlamaModel, vocabulary: number, prompt: string | readonly number[]): Token[] {
  if (typeof prompt === 'string') {
    if (prompt.length > MAX_PROMPT_LENGTH) throw engineError('ENGINE_INPUT', 'the prompt is too long')
    return textTokens(model, prompt)
  }
  if (
    !Array.isArray(prompt) ||
    prompt.some((id) => !Number.isSafeInteger(id) || id < 0 || id >= vocabulary)
  ) {
    throw engineError('ENGINE_INPUT', 'the prompt names a token this model does not have')
  }
  return [...(prompt as Token[])]
}

function ofMessages(model: LlamaModel, template: ChatTemplate, request: GenerateRequest): Token[] {
  const { messages = [] } = request
  const tools = activeTools(request) ? (request.tools ?? []) : []
  const rendered = template.render(messages, tools)
  if (rendered.length > MAX_PROMPT_LENGTH) throw engineError('ENGINE_INPUT', 'the conversation is too long')
  const said = saidIn(messages, tools)
  if (said.keys.some((key) => !isPlain(model, key)))
    throw engineError(
      'ENGINE_INPUT',
      'a key in a tool or its arguments is too long or holds a special token of this model',
    )
  if (canReadWhole(model, rendered) && said.texts.every((text) => isPlain(model, text)))
    return [...model.tokenize(rendered, true)]
  // Somebody wrote "<|end|>" or the like into a message, or what has to be read in pieces: cut the prompt so that it stays text.
  return template
    .renderParts(messages, tools)
    .flatMap(({ text, isTemplate }) => (isTemplate ? templateTokens(model, text) : textTokens(model, text)))
}

/** Tokens of what a template writes around what people say: keys, numbers and names are theirs all the same. */
function templateTokens(model: LlamaModel, text: string): Token[] {
  if (canReadWhole(model, text)) return [...model.tokenize(text, true)]
  throw engineError('ENGINE_INPUT', 'a tool or its arguments hold too much that no space divides')
}

/** What people say in a conversation, and what its tools say. */
function saidIn(
  messages: readonly ChatMessage[],
  tools: readonly ToolDefinition[],
): ReturnType<typeof textsOf> {
  const calls = messages.flatMap(({ toolCalls = [] }) =>
    toolCalls.map((call) => JSON.parse(call.arguments) as unknown),
  )
  const inside = textsOf([...calls, ...tools.map(({ description, parameters }) => [description, parameters])])
  return { keys: inside.keys, texts: [...messages.map(({ content }) => content), ...inside.texts] }
}

/** Whether a text can stand in a prompt that is read at once, with special tokens. */
function isPlain(model: LlamaModel, text: string): boolean {
  return canReadWhole(model, text) && !model.tokenize(text, true).some((token) => model.isSpecialToken(token))
}
