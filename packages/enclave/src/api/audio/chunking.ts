import { z } from 'zod'
import { DEFAULT_VOICE_ACTIVITY, type VoiceActivity } from '../../audio/segment/voice-activity.ts'
import { ApiError } from '../openai/errors.ts'

/** Longest padding and silence, in milliseconds: a minute of either parts nothing. */
const MAX_MS = 60_000

const serverVad = z.strictObject({
  type: z.literal('server_vad'),
  threshold: z.number().min(0).max(1).default(DEFAULT_VOICE_ACTIVITY.threshold),
  prefix_padding_ms: z.int().min(0).max(MAX_MS).default(DEFAULT_VOICE_ACTIVITY.prefixPaddingMs),
  silence_duration_ms: z.int().min(100).max(MAX_MS).default(DEFAULT_VOICE_ACTIVITY.silenceDurationMs),
})

/**
 * Reads `chunking_strategy`: `auto`, or an object of type `server_vad` as JSON. SDKs that write an object into a form
 * field by field are given the same object by {@link joinStrategy}.
 * @throws `API_INVALID`
 */
export function readStrategy(value: string): VoiceActivity {
  if (value === 'auto') return DEFAULT_VOICE_ACTIVITY
  const parsed = serverVad.safeParse(parseJson(value))
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    const where = issue?.path.length ? ` (${issue.path.join('.')})` : ''
    throw new ApiError('API_INVALID', `chunking_strategy is auto or {"type":"server_vad",…}${where}`, FIELD)
  }
  const { threshold, prefix_padding_ms, silence_duration_ms } = parsed.data
  return { threshold, prefixPaddingMs: prefix_padding_ms, silenceDurationMs: silence_duration_ms }
}

const FIELD = 'chunking_strategy'
const PART = /^chunking_strategy\[([a-z_]{1,32})\]$/

/** `chunking_strategy[type]=server_vad` and so on, as the OpenAI SDK writes an object, gathered to its JSON. */
export function joinStrategy(fields: ReadonlyMap<string, readonly string[]>): string | undefined {
  const whole = fields.get(FIELD)?.at(-1)
  const parts = [...fields].flatMap(([name, values]) => {
    const key = PART.exec(name)?.[1]
    return key === undefined ? [] : [[key, values.at(-1)!] as const]
  })
  if (parts.length === 0) return whole
  if (whole !== undefined) throw new ApiError('API_INVALID', 'chunking_strategy is given twice', FIELD)
  return JSON.stringify(
    Object.fromEntries(parts.map(([key, value]) => [key, key === 'type' ? value : asNumber(value)])),
  )
}

/** Number of a field; what is none stays text, and is refused as such. */
function asNumber(text: string): number | string {
  return /^-?\d{1,9}(\.\d{1,9})?$/.test(text) ? Number(text) : text
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
