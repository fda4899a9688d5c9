import { createEngine } from '../../packages/enclave/src/engines/worker/registry.ts'
import { runWorker } from '../../packages/enclave/src/engines/worker/run.ts'
import type { Engine, TextEvent, TranscriptEvent } from '../../packages/enclave/src/engines/types.ts'

/**
 * The product's engines, with the moment of each event written into its text: who receives it knows
 * how long it took on its way, however fast the engine was. `hrtime` is one clock for all processes.
 * A text stamp is `@emitted@`, before the first one `@entered@`; a transcript ends in
 * `@entered@emitted@nanoseconds spent waiting for audio@`.
 */
runWorker(async (name) => {
  const engine = await createEngine(name)
  const { generate, transcribe } = engine
  return {
    ...engine,
    load: (model) => engine.load(model),
    close: () => engine.close(),
    ...(generate && {
      generate: (request, signal) => stampText(now(), generate.call(engine, request, signal)),
    }),
    ...(transcribe && {
      transcribe: (audio, params, signal) => {
        const waiting = { total: 0n }
        const events = transcribe.call(engine, timed(audio, waiting), params, signal)
        return stampTranscript(now(), events, waiting)
      },
    }),
  } satisfies Engine
})

function now(): bigint {
  return process.hrtime.bigint()
}

async function* stampText(entered: bigint, events: AsyncIterable<TextEvent>): AsyncGenerator<TextEvent> {
  let prefix = `@${entered}`
  for await (const event of events) {
    yield event.type === 'delta' ? { ...event, text: `${prefix}@${now()}@` } : event
    prefix = ''
  }
}

async function* stampTranscript(
  entered: bigint,
  events: AsyncIterable<TranscriptEvent>,
  waiting: { total: bigint },
): AsyncGenerator<TranscriptEvent> {
  for await (const event of events) {
    if (event.type !== 'done') yield event
    else {
      const stamp = `@${entered}@${now()}@${waiting.total}@`
      yield { type: 'delta', text: stamp }
      yield { ...event, text: event.text + stamp }
    }
  }
}

async function* timed<T>(source: AsyncIterable<T>, waiting: { total: bigint }): AsyncGenerator<T> {
  const items = source[Symbol.asyncIterator]()
  for (;;) {
    const start = now()
    const { done, value } = await items.next()
    waiting.total += now() - start
    if (done) return
    yield value
  }
}
