import { z } from 'zod'
import { refused, works } from '../openai/fields.ts'

const flag = z.enum(['true', 'false', '1', '0']).transform((value) => value === 'true' || value === '1')
const texts = z.array(z.string())
const SPEAKERS = 'nothing here tells speakers apart'
const CTC = 'Whisper; CTC models (wav2vec2, `sotto-ctc-synthetic-en`)'

/** Fields of which the last value counts. */
export const singleFields = {
  model: works(z.string().max(256).optional(), 'left out: the first speech model'),
  language: works(
    z
      .string()
      .regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})?$/, 'an ISO 639-1 code such as en')
      .optional(),
  ),
  prompt: works(
    z.string().max(16_384).optional(),
    `${CTC} have nothing that a text before the recording could steer: a hint, so not refused`,
  ),
  hotwords: works(z.string().max(4096).optional(), 'beyond OpenAI: with commas between them; as `prompt`'),
  response_format: works(
    z.enum(['json', 'text', 'srt', 'vtt', 'verbose_json']).default('json'),
    '`json`, `text`, `srt`, `vtt`, `verbose_json`',
  ),
  temperature: works(
    z.coerce.number().min(0).max(1).optional(),
    `${CTC} draw nothing, and every answer is that of temperature 0`,
  ),
  stream: works(flag.default(false), '`transcript.text.delta`, `.segment`, `.done`; with `json` or `text`'),
}

/** The form of `/v1/audio/transcriptions` and `/v1/audio/translations`: names of lists may have brackets behind them. */
export const transcriptionFields = z.object({
  file: works(
    z.unknown(),
    'WAV, FLAC, MP3, AIFF, Ogg (Opus, FLAC), WebM with Opus; at most 256 MiB by default, see below',
  ),
  ...singleFields,
  timestamp_granularities: works(texts, '`word`, `segment`; with `verbose_json`'),
  include: works(texts, '`logprobs`; with `json`, and with `stream` in `transcript.text.done`'),
  chunking_strategy: works(
    z.string(),
    '`auto`, or `{"type":"server_vad","threshold":0.5,"prefix_padding_ms":300,"silence_duration_ms":500}`, see below',
  ),
  keywords: works(texts, 'as `hotwords`'),
  languages: refused('name one language, or none'),
  known_speaker_names: refused(SPEAKERS),
  known_speaker_references: refused(SPEAKERS),
})

/** Routes that take a form, as `ROUTE_FIELDS` has those that take JSON. */
export const FORM_FIELDS = { '/v1/audio/transcriptions': transcriptionFields } as const
