/**
 * Measures the default models through the product's own engines and prints what their cards quote.
 * `--write` records the figures as `models/NAME/quality.json`. Needs SOTTO_TESTDATA (default ../shared/testdata).
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { decodeAudioHere } from '../packages/enclave/src/audio/decode-here.ts'
import { EngineHost, type EngineProcess, readModelDirectory } from '../packages/enclave/src/engines/index.ts'
import { errorRate, rouge } from '../packages/client/src/quality/index.ts'
import { splitSentences } from '../packages/enclave/src/engines/extractive/sentences.ts'

const root = resolve(import.meta.dirname, '..')
const testdata = resolve(root, process.env.SOTTO_TESTDATA ?? '../shared/testdata')
const models = join(root, 'models')
const DIGITS = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine']

/** Human recordings of the test data, with what is said in them. */
const HUMAN: readonly (readonly [file: string, said: string])[] = [
  [
    'audio/jfk.wav',
    'and so my fellow americans ask not what your country can do for you ask what you can do for your country',
  ],
  ['audio/LJ001-0002.wav', 'in being comparatively modern'],
  [
    'audio/LJ001-0004.wav',
    'produced the block books which were the immediate predecessors of the true printed book',
  ],
  ['audio/LJ001-0008.wav', 'has never been surpassed'],
  ['audio/LJ002-0020.wav', 'in eighteen thirteen'],
  [
    'audio/austen-0870.wav',
    'and mister john dashwood had then leisure to consider how much there might be prudently in his power to do for them',
  ],
  ['audio/austen-0880.wav', 'he was not an ill disposed young man'],
  ['audio/cards-001.wav', 'ten of clubs'],
  ['audio/cards-003.wav', 'seven of clubs'],
  ['audio/one_two_three.wav', 'one two three'],
  ['audio/vosk_digits.wav', 'one zero zero zero one nine oh two one oh zero one eight zero three'],
]

type Figures = Record<string, number>

async function transcribe(engine: EngineProcess, path: string): Promise<{ text: string; seconds: number }> {
  async function* file(): AsyncGenerator<Uint8Array> {
    yield readFileSync(path)
  }
  for await (const event of engine.transcribe(decodeAudioHere(file()))) {
    if (event.type === 'done') return { text: event.text, seconds: event.durationSeconds }
  }
  throw new Error('no end of the transcript')
}

async function speechErrors(
  engine: EngineProcess,
  recordings: readonly (readonly [path: string, said: string])[],
): Promise<[cer: number, wer: number]> {
  const pairs: [string, string][] = []
  for (const [path, said] of recordings) pairs.push([(await transcribe(engine, path)).text, said])
  return [
    rounded(errorRate(pairs.map(([found, said]) => [[...found], [...said]]))),
    rounded(errorRate(pairs.map(([found, said]) => [found.split(' '), said.split(' ')]))),
  ]
}

async function speech(engine: EngineProcess): Promise<Figures> {
  const said = JSON.parse(readFileSync(join(testdata, 'asr-synthetic/wavs/ref.json'), 'utf8')) as string[]
  const synthetic = said.map((text, i) => [join(testdata, `asr-synthetic/wavs/${i}.wav`), text] as const)
  const demo = [
    [
      join(models, 'demo/session-note.wav'),
      readFileSync(join(models, 'demo/session-note.txt'), 'utf8').trim(),
    ],
  ] as const
  const spokenDigits = readdirSync(join(testdata, 'fsdd')).map(
    (name) => [join(testdata, 'fsdd', name), DIGITS[Number(name[0])]!] as const,
  )
  const [syntheticCer, syntheticWer] = await speechErrors(engine, synthetic)
  const [demoCer, demoWer] = await speechErrors(engine, demo)
  const [humanCer, humanWer] = await speechErrors(
    engine,
    HUMAN.map(([file, text]) => [join(testdata, file), text]),
  )
  const [, humanDigitsWer] = await speechErrors(engine, spokenDigits)
  console.log(`  demo recording: ${(await transcribe(engine, demo[0][0])).text}`)
  return { syntheticCer, syntheticWer, demoCer, demoWer, humanCer, humanWer, humanDigitsWer }
}

/** Bits per character on the first part of the held-out book, in independent windows of the model's context. */
async function stories(engine: EngineProcess): Promise<Figures> {
  const text = readFileSync(join(testdata, 'text/willow.txt'), 'utf8').slice(0, 60_000)
  const room = engine.info.contextTokens! - 2
  let nats = 0
  let window = ''
  const close = async (): Promise<void> => {
    for (const { logprob } of await engine.score(window)) nats -= logprob
    window = ''
  }
  // Cut between words: the space goes with the word behind it, as the tokenizer has it.
  for (const word of text.split(/(?= )/)) {
    if (window.length > room && (await engine.tokenize(window + word)).length > room) await close()
    window += word
  }
  await close()
  const started = performance.now()
  let tokens = 0
  for await (const event of engine.generate({
    prompt: 'The King',
    sampling: { temperature: 0.8, seed: 1 },
    maxTokens: 300,
  })) {
    if (event.type === 'done') tokens = event.usage.outputTokens
  }
  console.log(`  ${Math.round((tokens / (performance.now() - started)) * 1000)} tokens per second here`)
  return { heldOutBitsPerCharacter: rounded(nats / Math.log(2) / text.length) }
}

/**
 * Retrieval among 200 paragraphs of the held-out book: by six of their words, spread over the paragraph, and by their
 * other half, which shares its subject but few of its words.
 */
async function vectors(engine: EngineProcess): Promise<Figures> {
  const lines = readFileSync(join(testdata, 'text/willow.txt'), 'utf8').split('\n')
  const paragraphs = lines.filter((line) => line.length > 400).slice(0, 200)
  const half = (line: string, from: number, to: number): string => {
    const words = line.split(' ')
    return words.slice(Math.floor(from * words.length), Math.floor(to * words.length)).join(' ')
  }
  const keywords = (line: string): string => {
    const words = [...new Set(line.toLowerCase().match(/[a-z]{5,}/g))]
    return [0, 1, 2, 3, 4, 5].map((i) => words[Math.floor((i * words.length) / 6)]).join(' ')
  }
  const found = async (
    queries: readonly string[],
    documents: readonly string[],
    size: { dimensions?: number } = {},
  ): Promise<number> => {
    const asked = (await engine.embed({ inputs: queries, ...size })).vectors
    const stored = (await engine.embed({ inputs: documents, ...size })).vectors
    const similarity = (a: Float32Array, b: Float32Array): number =>
      a.reduce((sum, value, i) => sum + value * b[i]!, 0)
    const hits = asked.filter((query, i) => {
      const own = similarity(query, stored[i]!)
      return stored.every((other, j) => j === i || similarity(query, other) < own)
    })
    return rounded(hits.length / documents.length)
  }
  return {
    paragraphs: paragraphs.length,
    foundBySixWords: await found(paragraphs.map(keywords), paragraphs),
    foundBySixWordsIn64Dimensions: await found(paragraphs.map(keywords), paragraphs, { dimensions: 64 }),
    foundByOtherHalf: await found(
      paragraphs.map((line) => half(line, 0, 0.5)),
      paragraphs.map((line) => half(line, 0.5, 1)),
    ),
  }
}

/** Three sentences of each text of the evaluation set, beside the first three: F1 against what a person wrote. */
async function summary(engine: EngineProcess): Promise<Figures> {
  const cases = JSON.parse(readFileSync(join(models, 'sotto-extractive/evaluation.json'), 'utf8')) as {
    text: string
    summary: string
  }[]
  const figures: Record<string, number> = { texts: cases.length }
  for (const { text, summary: wanted } of cases) {
    const lead = splitSentences(text)
      .slice(0, 3)
      .map((sentence) => sentence.text)
    for (const [who, found] of [
      ['', await summarizeWith(engine, text)],
      ['Lead3', lead.join(' ')],
    ] as const) {
      const { rouge1, rouge2, rougeL } = rouge(found, wanted)
      for (const [kind, { f1 }] of Object.entries({ rouge1, rouge2, rougeL }))
        figures[`${kind}${who}`] = (figures[`${kind}${who}`] ?? 0) + f1 / cases.length
    }
  }
  return Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, rounded(value)]))
}

async function summarizeWith(engine: EngineProcess, text: string): Promise<string> {
  let found = ''
  for await (const event of engine.summarize({ text, maxSentences: 3 }))
    if (event.type === 'delta') found += event.text
  return found
}

function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000
}

const MEASURES: Readonly<Record<string, (engine: EngineProcess) => Promise<Figures>>> = {
  'sotto-ctc-synthetic-en': speech,
  'sotto-tiny-story-en': stories,
  'sotto-hash-embed': vectors,
  'sotto-extractive': summary,
}

const host = await EngineHost.open({
  entry: join(root, 'packages/enclave/src/engines/worker/main.ts'),
  require: 'best-effort',
})
for (const [name, measure] of Object.entries(MEASURES)) {
  console.log(name)
  const engine = await host.start(readModelDirectory(join(models, name)))
  const figures = await measure(engine)
  for (const [figure, value] of Object.entries(figures)) console.log(`  ${figure.padEnd(26)} ${value}`)
  if (process.argv.includes('--write') && Object.keys(figures).length > 0) {
    writeFileSync(join(models, name, 'quality.json'), `${JSON.stringify(figures, null, 2)}\n`)
  }
  await engine.close()
}
await host.close()
