import { SottoError } from '@sotto/protocol/errors'
import { describe, expect, it } from 'vitest'
import type { AnswerEnd, SummaryAsk } from '../../src/pages/summarise/ask.ts'
import { MAX_PARTS, type SummaryEvent, summariseText } from '../../src/pages/summarise/summarise-text.ts'

/** A model that counts a token for each character, and writes the first characters of what it is given. */
function model(contextTokens: number, written = 40, saysCounts = true) {
  const asked: string[] = []
  return {
    asked,
    async *ask({ text }: SummaryAsk): AsyncGenerator<string, AnswerEnd> {
      if (text.length >= contextTokens)
        throw new SottoError(
          'CONTEXT_LENGTH_EXCEEDED',
          'fix-input',
          saysCounts
            ? `the prompt has ${text.length} tokens, the context of this model ${contextTokens}`
            : 'too long',
        )
      asked.push(text)
      yield text.slice(0, written / 2)
      yield text.slice(written / 2, written)
      return { isCut: false }
    },
  }
}

const TEXT = 'Here is a sentence that says something. '.repeat(100)

describe('a text', () => {
  it('that fits goes at once', async () => {
    const { ask, asked } = model(10_000)
    const events: SummaryEvent[] = []
    expect(await summariseText({ text: TEXT, words: 20 }, ask, (event) => events.push(event))).toEqual({
      text: 'Here is a sentence that says something.',
      parts: 1,
      answers: 1,
      isCut: false,
    })
    expect(asked).toEqual([TEXT])
    expect(events.map(({ type }) => type)).toEqual(['begin', 'delta', 'delta'])
  })

  it.each([
    ['counts', true],
    ['nothing', false],
  ])('that is too long goes in parts, where the model says %s about it', async (_what, saysCounts) => {
    const { ask, asked } = model(1000, 40, saysCounts)
    const events: SummaryEvent[] = []
    const { parts, answers } = await summariseText({ text: TEXT, words: 20 }, ask, (event) =>
      events.push(event),
    )
    expect(parts).toBeGreaterThan(3)
    expect(answers).toBe(parts + 1)
    expect(asked.slice(0, parts).join('')).toBe(TEXT)
    const begun = events.flatMap((event) => (event.type === 'part' ? [event.index] : []))
    expect(new Set(begun).size).toBe(parts)
    expect(events.findLast(({ type }) => type === 'begin')).toEqual({ type: 'begin', isFinal: true })
  })

  it('whose summaries are too long as well goes another round', async () => {
    const { ask } = model(900, 300)
    const events: SummaryEvent[] = []
    const { parts } = await summariseText({ text: TEXT, words: 20 }, ask, (event) => events.push(event))
    const rounds = events.flatMap((event) => (event.type === 'parts' ? [event.round] : []))
    expect(Math.max(...rounds)).toBeGreaterThan(1)
    expect(parts).toBeGreaterThan(4)
  })
})

describe('gives up with counts', () => {
  it('where there would be too many parts', async () => {
    const { ask } = model(400)
    const failed = summariseText({ text: TEXT.repeat(20), words: 20 }, ask, () => {})
    await expect(failed).rejects.toMatchObject({
      code: 'TEXT_TOO_LONG',
      expected: `at most ${MAX_PARTS} parts`,
    })
  })

  it('where the model writes as much as it reads', async () => {
    const { ask } = model(1000, 5000)
    await expect(summariseText({ text: TEXT, words: 20 }, ask, () => {})).rejects.toMatchObject({
      code: 'TEXT_TOO_LONG',
    })
  })

  it('where hardly anything fits', async () => {
    const { ask } = model(100)
    await expect(summariseText({ text: TEXT, words: 20 }, ask, () => {})).rejects.toMatchObject({
      code: 'TEXT_TOO_LONG',
    })
  })
})

it('passes any other error on', async () => {
  const failure = new SottoError('RELAY_UNREACHABLE', 'retry', 'gone')
  // oxlint-disable-next-line require-yield
  async function* ask(): AsyncGenerator<string, AnswerEnd> {
    throw failure
  }
  await expect(summariseText({ text: TEXT, words: 20 }, ask, () => {})).rejects.toBe(failure)
})
