import type { LlamaModel, Token } from 'node-llama-cpp'
import { engineError } from '../errors.ts'
import type { ChatMessage, GenerateRequest } from '../types.ts'
import type { ChatTemplate } from './chat-template.ts'

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
    messages === undefined ? ofPrompt(model, vocabulary, prompt!) : ofMessages(model, template, messages)
  const { bos, shouldPrependBosToken } = model.tokens
  if (bos !== null && shouldPrependBosToken && tokens[0] !== bos) tokens.unshift(bos)
  if (tokens.length === 0) throw engineError('ENGINE_INPUT', 'the prompt is empty')
  return tokens
}

function ofPrompt(model: LlamaModel, vocabulary: number, prompt: string | readonly number[]): Token[] {
  if (typeof prompt === 'string') {
    if (prompt.length > MAX_PROMPT_LENGTH) throw engineError('ENGINE_INPUT', 'the prompt is too long')
    return [...model.tokenize(prompt, false)]
  }
  if (
    !Array.isArray(prompt) ||
    prompt.some((id) => !Number.isSafeInteger(id) || id < 0 || id >= vocabulary)
  ) {
    throw engineError('ENGINE_INPUT', 'the prompt names a token this model does not have')
  }
  return [...(prompt as Token[])]
}

function ofMessages(model: LlamaModel, template: ChatTemplate, messages: readonly ChatMessage[]): Token[] {
  const rendered = template.render(messages)
  if (rendered.length > MAX_PROMPT_LENGTH) throw engineError('ENGINE_INPUT', 'the conversation is too long')
  if (!messages.some(({ content }) => hasSpecialToken(model, content)))
    return [...model.tokenize(rendered, true)]
  // Somebody wrote "<|end|>" or the like into a message: cut the prompt so that it stays text.
  return template.renderParts(messages).flatMap((part) => [...model.tokenize(part.text, part.isTemplate)])
}

function hasSpecialToken(model: LlamaModel, content: string): boolean {
  return model.tokenize(content, true).some((token) => model.isSpecialToken(token))
}
