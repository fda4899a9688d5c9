import { expect, it } from 'vitest'
import { claim } from '../../../../../test/claims.ts'
import type { ServedModel } from '../../../src/api/index.ts'
import { type ChoiceEvent, runChoices } from '../../../src/api/text/choices.ts'
import { currentParty, runAs } from '../../../src/engines/host/party.ts'
import { Slots } from '../../../src/engines/host/slots.ts'

const USAGE = { inputTokens: 1, outputTokens: 1 }

/** A model of one slot, which says for whom each of its answers was computed. */
function oneSlot(): { model: ServedModel; served: string[] } {
  const slots = new Slots(32, 60_000)
  slots.setLimit(1)
  const served: string[] = []
  const generate: NonNullable<ServedModel['generate']> = async function* (_request, signal) {
    const leave = await slots.enter(signal)
    served.push(currentParty())
    try {
      yield { type: 'delta', text: 'a', tokens: 1 }
      await new Promise((resolve) => setImmediate(resolve))
      yield { type: 'done', finishReason: 'stop', usage: USAGE }
    } finally {
      leave()
    }
  }
  const model: ServedModel = {
    id: 'm',
    task: 'text-generation',
    digest: '00',
    loadedAt: 0,
    health: { isReady: true },
    generate,
  }
  return { model, served }
}

const requests = (count: number): { prompt: string }[] =>
  Array.from({ length: count }, () => ({ prompt: 'x' }))

/** As a response body is read: the first event is asked for by the request, the others by whoever reads, on nobody's behalf. */
async function readAsBody(events: AsyncGenerator<ChoiceEvent>, party: string): Promise<void> {
  let next = await runAs(party, () => events.next())
  while (!next.done) {
    await new Promise((resolve) => setImmediate(resolve))
    next = await events.next()
  }
}

it(
  claim('T19', 'every choice of a request is computed on behalf of its party, also those that begin later'),
  async () => {
    const { model, served } = oneSlot()
    // More than begin at once.
    await readAsBody(runChoices(model, requests(9), new AbortController()), 'alice')
    expect(served).toEqual(Array.from({ length: 9 }, () => 'alice'))
  },
)
