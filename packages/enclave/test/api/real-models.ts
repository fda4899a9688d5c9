import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApi, type ServedModel } from '../../src/api/index.ts'
import { createEngine as createExtractive } from '../../src/engines/extractive/index.ts'
import { createEngine as createGguf } from '../../src/engines/gguf/index.ts'
import { createEngine as createSeq2seq } from '../../src/engines/seq2seq/index.ts'
import type { Engine, ModelTask } from '../../src/engines/types.ts'
import { createWaitingRoom } from '../../src/ram/waiting-room.ts'
import { fixtureModel } from '../engines/fixtures/model.ts'
import { openHere } from '../engines/gguf/here.ts'
import { withMetadata } from '../engines/gguf/with-metadata.ts'
import { MODELS, testdata } from '../engines/testdata.ts'

/** An API over real models in this process. */
export interface RealApi {
  readonly api: (request: Request) => Promise<Response>
  close(): Promise<void>
}

/**
 * `story`: the shipped one, the default. `filler`: a smaller one that can fill the middle. `taught`: one whose template
 * knows tools. Embeddings and summaries: the shipped ones, twice, and a tiny one that writes.
 */
export async function openRealApi(): Promise<RealApi> {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-api-'))
  const engines: Engine[] = []
  const serve = async (id: string, task: ModelTask, path: string): Promise<ServedModel> => {
    const isText = task === 'text-generation'
    const engine = isText ? createGguf() : createExtractive()
    await openHere(engine, path, { task, engine: isText ? 'gguf' : 'extractive' })
    return served(id, task, engine)
  }
  const served = (id: string, task: ModelTask, engine: Engine): ServedModel => {
    engines.push(engine)
    const { generate, embed, summarize } = engine
    return {
      id,
      task,
      digest: 'd'.repeat(64),
      loadedAt: 0,
      ...(task === 'text-generation' && generate && { generate: generate.bind(engine) }),
      ...(task === 'embedding' && embed && { embed: embed.bind(engine) }),
      ...(task === 'summarization' && summarize && { summarize: summarize.bind(engine) }),
    }
  }
  const writer = createSeq2seq()
  await writer.load(fixtureModel('t5', 'seq2seq', 'summarization'))
  const made = (name: string, bytes: Uint8Array): string => {
    writeFileSync(join(folder, name), bytes)
    return join(folder, name)
  }
  const small = testdata('llm/stories260K-f32.gguf')
  const fim = { 'tokenizer.ggml.fim_pre_token_id': 300, 'tokenizer.ggml.fim_suf_token_id': 301 }
  const template = '{% for m in messages %}{{ m.content }} {% endfor %}{% if tools %}<tool_call>{% endif %}'
  const models = [
    await serve('story', 'text-generation', `${MODELS}/sotto-tiny-story-en/sotto-tiny-story-en.gguf`),
    await serve(
      'filler',
      'text-generation',
      made('filler.gguf', withMetadata(small, { ...fim, 'tokenizer.ggml.fim_mid_token_id': 302 })),
    ),
    await serve(
      'taught',
      'text-generation',
      made('taught.gguf', withMetadata(small, { 'tokenizer.chat_template': template })),
    ),
    await serve('embed', 'embedding', `${MODELS}/sotto-hash-embed/config.json`),
    await serve('embed-2', 'embedding', `${MODELS}/sotto-hash-embed/config.json`),
    await serve('short', 'summarization', `${MODELS}/sotto-extractive/config.json`),
    await serve('short-2', 'summarization', `${MODELS}/sotto-extractive/config.json`),
    served('writer', 'summarization', writer),
  ]
  const api = createApi({
    models: { list: () => models },
    clock: { now: () => 1_700_000_000, randomBytes: (length) => new Uint8Array(randomBytes(length)) },
    maxUploadBytes: 1024,
    waitingRoom: createWaitingRoom({ maxFiles: 1, maxBytes: 4096 }),
  })
  return {
    api,
    async close() {
      await Promise.all(engines.map((engine) => engine.close()))
      rmSync(folder, { recursive: true })
    },
  }
}
