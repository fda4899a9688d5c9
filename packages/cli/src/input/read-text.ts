import { cliError } from '../errors.ts'
import type { Input } from './read-input.ts'

/** What text commands read at most; the enclave's own limits are lower. */
export const MAX_TEXT_BYTES: number = 16 * 1024 * 1024

/**
 * The whole input as text.
 * @throws `CLI_FILE` not UTF-8, empty, or more than `maxBytes`
 */
export async function readText(input: Input, maxBytes: number = MAX_TEXT_BYTES): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let text = ''
  let size = 0
  try {
    for await (const chunk of input.stream()) {
      size += chunk.length
      if (size > maxBytes) throw cliError('CLI_FILE', `${input.label} is larger than ${maxBytes} bytes`)
      text += decoder.decode(chunk, { stream: true })
    }
    text += decoder.decode()
  } catch (cause) {
    if (cause instanceof TypeError) throw cliError('CLI_FILE', `${input.label} is not UTF-8 text`, { cause })
    throw cause
  }
  if (text.trim() === '') throw cliError('CLI_FILE', `${input.label} holds no text`)
  return text
}
