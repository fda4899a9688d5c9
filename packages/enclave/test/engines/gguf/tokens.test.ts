import { encodeGguf } from '@sotto/protocol/gguf'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createEngine } from '../../../src/engines/gguf/engine.ts'
import { promptTokens } from '../../../src/engines/gguf/prompt.ts'
import { openTokenizer } from '../../../src/engines/gguf/tokenizer.ts'
import { textTokens } from '../../../src/engines/gguf/tokens.ts'
import { loadWords, type Words } from '../../../src/engines/gguf/words.ts'
import type { ChatMessage, EngineModel, GenerateRequest, ModelFile } from '../../../src/engines/types.ts'
import { writeModel } from '../../train/stories.ts'
import { modelFile } from '../fixtures/model.ts'
import { codeOf } from '../host/fake-model.ts'
import { collect } from '../real-engines.ts'
import { bytePairs, END, END_TOKEN } from './byte-pairs.ts'
import { openHere } from './here.ts'

/** Each turn behind its mark; with tools, the names of what the first one takes. */
const TEMPLATE = `{% for message in messages %}${END}{{ message.content }}{% endfor %}${END}
{%- if tools %}{% for key in tools[0].function.parameters.properties %}{{ key }}{% endfor %}{% endif %}`

/** Divided by regular expressions of each manner that llama.cpp has. */
const DIVIDED = ['default', 'deepseek-llm', 'falcon', 'gpt-4o', 'exaone-moe']

function written(pre: string): Pick<EngineModel, 'files' | 'threads'> {
  const file = bytePairs(pre, TEMPLATE)
  const weights: ModelFile = {
    ...modelFile('pairs.gguf', encodeGguf(file), 'weights'),
    path: writeModel(file),
  }
  return { files: new Map([[weights.name, weights]]), threads: 1 }
}

async function wordsOf(pre: string): Promise<Words> {
  const words = await loadWords(written(pre), { vocabularyOnly: true })
  onTestFinished(() => words.llama.dispose())
  return words
}

const read = ({ model, template, vocabulary }: Words, request: GenerateRequest): number[] =>
  promptTokens(model, template, vocabulary, request)

const user = (content: string): ChatMessage[] => [{ role: 'user', content }]

describe('an engine whose vocabulary is divided by regular expressions', () => {
  it.each(DIVIDED)(
    'refuses long texts of one kind, which would end its process, and goes on: %s',
    async (pre) => {
      const engine = createEngine()
      onTestFinished(() => engine.close())
      await openHere(engine, writeModel(bytePairs(pre, TEMPLATE)))
      const { signal } = new AbortController()
      const kinds = ['1', '!', 'a', 'B', ' ', '\n', '中', '\u0301', 'a ', ' \u00a0', '\u{1f600}']
      for (const text of kinds.map((kind) => kind.repeat(40_000))) {
        for (const request of [{ prompt: text }, { messages: user(text) }])
          expect(await codeOf(collect(engine.generate!(request, signal)))).toBe('ENGINE_CONTEXT_OVERFLOW')
        expect(await codeOf(engine.score!(text, signal))).toBe('ENGINE_CONTEXT_OVERFLOW')
        expect((await engine.tokenize!(text)).length).toBeGreaterThanOrEqual(40_000)
      }
      // What it says is chance; that it answers is not.
      const { done } = await collect(engine.generate!({ prompt: 'ab', maxTokens: 1 }, signal))
      expect(done?.usage).toMatchObject({ inputTokens: 1 })
    },
  )
})

describe('tokens of a text', () => {
  it('property: are those of the whole text where it holds no long run', async () => {
    const { model } = await wordsOf('falcon')
    const word = fc.constantFrom('ab', 'abab ', '12345', ' ', '\n\n', '!?', '中文', '\u{1f600}', 'b a', END)
    const run = fc.tuple(word, fc.integer({ min: 1, max: 1000 })).map(([one, count]) => one.repeat(count))
    const lines = fc.array(run, { maxLength: 6 }).map((runs) => `${runs.join(' a\n')} `.repeat(4))
    fc.assert(
      fc.property(lines, (text) => {
        expect(textTokens(model, text)).toEqual([...model.tokenize(text, false)])
      }),
      { numRuns: 30 },
    )
  })

  it('are as many as a long run has, and the same to an engine and to training', async () => {
    const given = written('falcon')
    const tokenizer = await openTokenizer(given)
    onTestFinished(() => tokenizer.close())
    const { model } = await wordsOf('falcon')
    for (const [text, count] of [
      ['1'.repeat(40_000), 40_000],
      ['ab'.repeat(20_000), 20_000],
      ['\u{1f600}'.repeat(10_000), 40_000],
    ] as const) {
      expect(tokenizer.tokenize(text)).toHaveLength(count)
      expect(textTokens(model, text)).toEqual(tokenizer.tokenize(text))
    }
  })

  it('leave what looks like a special token text, wherever a long run is cut', async () => {
    const words = await wordsOf('falcon')
    for (let before = 8192 - END.length - 1; before <= 8193; before++) {
      const text = '!'.repeat(before) + END + '!'.repeat(40_000)
      const tokens = textTokens(words.model, text)
      expect(tokens).not.toContain(END_TOKEN)
      expect(words.model.detokenize(tokens, false)).toBe(text)
    }
  })
})

describe('tokens of a conversation', () => {
  const marks = (tokens: readonly number[]): number => tokens.filter((token) => token === END_TOKEN).length

  it('have the special tokens of the template and no others, around a long run', async () => {
    const words = await wordsOf('falcon')
    for (const content of ['!'.repeat(40_000), `${'!'.repeat(8190)}${END}${'!'.repeat(40_000)}`]) {
      const tokens = read(words, { messages: [...user('ab'), ...user(content), ...user('ab')] })
      // One before each turn, and one behind all.
      expect(marks(tokens)).toBe(4)
      expect(tokens.slice(0, 3)).toEqual([END_TOKEN, 256, END_TOKEN])
      expect(tokens.slice(-3)).toEqual([END_TOKEN, 256, END_TOKEN])
      expect(words.model.detokenize(tokens.slice(3, -3) as never, false)).toBe(content)
    }
  })

  it('are those of the whole prompt where it holds no long run, and no message a special token', async () => {
    const words = await wordsOf('falcon')
    const messages = [...user('ab 12 !?\n'.repeat(5000)), ...user('\n ab')]
    expect(read(words, { messages })).toEqual([
      ...words.model.tokenize(words.template.render(messages), true),
    ])
  })

  it('are refused where keys of a tool are too long, alone or together', async () => {
    const words = await wordsOf('falcon')
    const withKeys = (keys: readonly string[]): (() => number[]) => {
      const properties = Object.fromEntries(keys.map((key) => [key, {}]))
      const tools = [{ name: 'find', parameters: { type: 'object', properties } }]
      return () => read(words, { messages: user('ab'), tools })
    }
    const keys = (count: number): string[] =>
      Array.from({ length: count }, (_, n) => `${'!'.repeat(995)}${1000 + n}`)
    expect(marks(withKeys(keys(8))())).toBe(2)
    const refusal = expect.objectContaining({ code: 'ENGINE_INPUT' }) as Error
    expect(withKeys(keys(40))).toThrow(refusal)
    expect(withKeys(['!'.repeat(40_000)])).toThrow(refusal)
  })
})
