import type { ServedModel } from '../api/index.ts'
import type { TokenUsage } from '../engines/index.ts'
import type { UsageLedger } from './ledger.ts'

/**
 * The same model, with what it does counted. A request counts once its model begins to answer, its amounts once
 * the answer is complete: an answer that was cut counts as a request and no more.
 */
export function meterModel(model: ServedModel, ledger: UsageLedger): ServedModel {
  const { transcribe, generate, summarize, embed, infer } = model
  const add = ledger.add.bind(ledger, model.digest)
  return {
    ...model,
    ...(transcribe && {
      transcribe: (file, params, signal) =>
        counted(transcribe(file, params, signal), add, ({ durationSeconds, usage }) => ({
          ...tokens(usage),
          audioSeconds: Math.ceil(durationSeconds),
        })),
    }),
    ...(generate && {
      generate: (request, signal) => counted(generate(request, signal), add, ({ usage }) => tokens(usage)),
    }),
    ...(summarize && {
      summarize: (request, signal) => counted(summarize(request, signal), add, ({ usage }) => tokens(usage)),
    }),
    ...(embed && {
      async embed(request, signal) {
        const result = await embed(request, signal)
        add({ requests: 1, answers: 1, ...tokens(result.usage) })
        return result
      },
    }),
    ...(infer && {
      async infer(request, signal) {
        const outputs = await infer(request, signal)
        add({ requests: 1, answers: 1 })
        return outputs
      },
    }),
  }
}

type Add = (amounts: Parameters<UsageLedger['add']>[1]) => void

async function* counted<Event extends { type: string }>(
  events: AsyncIterable<Event>,
  add: Add,
  amountsOf: (done: Extract<Event, { type: 'done' }>) => Parameters<Add>[0],
): AsyncGenerator<Event, void> {
  let hasBegun = false
  for await (const event of events) {
    if (!hasBegun) add({ requests: 1 })
    hasBegun = true
    if (event.type === 'done') add({ answers: 1, ...amountsOf(event as Extract<Event, { type: 'done' }>) })
    yield event
  }
}

function tokens({ inputTokens, outputTokens }: TokenUsage): TokenUsage {
  return { inputTokens, outputTokens }
}
