import { toHex } from '@sotto/protocol/bytes'
import type { ServedModel } from '../../models.ts'
import { cancelledWith, eventStream } from '../../openai/sse.ts'
import { type ChoiceEvent, runChoices } from '../choices.ts'
import { type Clock, startIterating } from '../generate.ts'
import { ResponseEvents } from './events.ts'
import { type ResponsesBody, responsesRequest } from './schema.ts'

/** Answers `POST /v1/responses` in one piece or as server-sent events. Nothing of it is kept. */
export async function answerResponses(
  model: ServedModel,
  body: ResponsesBody,
  clock: Clock,
  clientSignal: AbortSignal,
): Promise<Response> {
  const cancel = cancelledWith(clientSignal)
  const newId = (prefix: string): string => prefix + toHex(clock.randomBytes(16))
  const head = { id: newId('resp_'), createdAt: clock.now(), model: model.id, body }
  const events = new ResponseEvents(head, newId)
  const run = runChoices(model, [responsesRequest(body)], cancel, { format: 'text', tools: 'tools' })
  if (body.stream) return eventStream(stream(await startIterating(run), events), cancel)
  let last: object = {}
  for await (const { event } of run) last = events.next(event).at(-1) ?? last
  return Response.json((last as { response: object }).response)
}

async function* stream(run: AsyncIterable<ChoiceEvent>, events: ResponseEvents): AsyncGenerator<object[]> {
  // They leave with the first words: apart from them they would make those wait for the next flush.
  let begun: object[] = events.begin()
  for await (const { event } of run) {
    const next = [...begun, ...events.next(event)]
    begun = []
    if (next.length > 0) yield next
  }
}
