import type { TranscriptEvent, TranscriptSegment } from '../../engines/types.ts'
import { announceModel, defaultModel, findModel, type ModelDirectory, type ServedModel } from '../models.ts'
import { ApiError, unsupported } from '../openai/errors.ts'
import { cancelledWith, eventStream } from '../openai/sse.ts'
import { startIterating } from '../text/generate.ts'
import { type FormLimits, readForm, type UploadForm } from './form.ts'
import { durationUsage, formatTranscript, tokenLogprob, type Transcript } from './formats.ts'
import { readOptions, type TranscriptionOptions } from './params.ts'

/** Somebody who listens says nothing for a while; connections that are silent for longer are cut on the way. */
const KEEP_ALIVE_MS = 30_000

/** `POST /v1/audio/transcriptions` and `/v1/audio/translations`. */
export async function answerTranscription(
  request: Request,
  models: ModelDirectory,
  task: 'transcribe' | 'translate',
  limits: FormLimits,
): Promise<Response> {
  const form = await readForm(request, limits)
  try {
    const options = readOptions(form.fields, task)
    const model = await chooseModel(models, options.model)
    const cancel = cancelledWith(request.signal)
    // Not left to the loops below: a call that still waits for its engine never began to read the file.
    cancel.signal.addEventListener('abort', form.discard, { once: true })
    if (cancel.signal.aborted) form.discard()
    const events = thenDiscard(model.transcribe!(form.file, options.params, cancel.signal), form)
    return announceModel(
      options.stream ? await streamed(events, options, cancel) : await whole(events, options),
      model,
    )
  } catch (error) {
    // Nobody will read the rest of the recording: stop the sender instead of taking it in.
    form.discard()
    throw error
  }
}

async function* thenDiscard(
  events: AsyncIterable<TranscriptEvent>,
  form: UploadForm,
): AsyncGenerator<TranscriptEvent, void> {
  try {
    yield* events
  } finally {
    form.discard()
  }
}

async function chooseModel(models: ModelDirectory, id: string | undefined): Promise<ServedModel> {
  const model = id === undefined ? defaultModel(models, 'transcription') : await findModel(models, id)
  if (!model)
    throw new ApiError(
      'API_MODEL_NOT_FOUND',
      `no model named ${JSON.stringify(id ?? 'transcription')}`,
      'model',
    )
  if (!model.transcribe) throw unsupported('model', 'this model does not transcribe')
  return model
}

async function whole(
  events: AsyncIterable<TranscriptEvent>,
  options: TranscriptionOptions,
): Promise<Response> {
  const segments: TranscriptSegment[] = []
  const transcript: Transcript = { text: '', language: '', durationSeconds: 0, segments }
  for await (const event of events) {
    if (event.type === 'segment') segments.push(event.segment)
    else if (event.type === 'done')
      Object.assign(transcript, {
        text: event.text,
        language: event.language,
        durationSeconds: event.durationSeconds,
      })
  }
  return formatTranscript(transcript, options)
}

async function streamed(
  events: AsyncIterable<TranscriptEvent>,
  options: TranscriptionOptions,
  cancel: AbortController,
): Promise<Response> {
  const started = await startIterating(events)
  const logprobs: object[] = []
  async function* answer(): AsyncGenerator<object> {
    for await (const event of started) {
      if (event.type === 'segment' && options.logprobs)
        logprobs.push(...(event.segment.logprobs ?? []).map(tokenLogprob))
      if (event.type === 'delta') yield { type: 'transcript.text.delta', delta: event.text }
      else if (event.type === 'segment' && options.segments) {
        const { id, start, end, text } = event.segment
        yield { type: 'transcript.text.segment', id: `seg_${id}`, start, end, text }
      } else if (event.type === 'done')
        yield {
          type: 'transcript.text.done',
          text: event.text,
          usage: durationUsage(event.durationSeconds),
          ...(options.logprobs && { logprobs }),
        }
    }
  }
  return eventStream(answer(), cancel, undefined, KEEP_ALIVE_MS)
}
