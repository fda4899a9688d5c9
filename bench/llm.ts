import { createHash } from 'node:crypto'
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import {
  EngineHost,
  type EngineProcess,
  modelDigest,
  type ModelFileEntry,
} from '../packages/enclave/src/engines/index.ts'
import { describeNoise, measureNoise } from './support/noise.ts'
import { LLAMA_SHAPES, writeRandomLlama } from './support/random-gguf.ts'
import { show, spread } from './support/stats.ts'

/**
 * Tokens a second of the text engines beside llama.cpp with the same file: one stream beside llama-bench, and N chats at
 * once beside a llama-server with as many slots. Rounds alternate, so that what else the machine does meets both alike.
 *
 * llama.cpp is the one `SOTTO_LLAMA_SERVER` names (`scripts/llama-cpp.ts` builds it); without it, node-llama-cpp called
 * directly in this process stands in for the single stream, and there is nothing to compare many chats with.
 */
const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    shape: { type: 'string', default: '110m' },
    tokens: { type: 'string', default: '48' },
    chats: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
})
const tokens = Number(values.tokens)
const chats = Number(values.chats)
const rounds = Number(values.rounds)
const server = process.env['SOTTO_LLAMA_SERVER']
const cores = availableParallelism()
const threads = Math.max(1, cores - 1)
const work = mkdtempSync(join(tmpdir(), 'sotto-bench-llm-'))
const results: Record<string, number[]> = {}
const ENTRY = resolve(import.meta.dirname, '../packages/enclave/src/engines/worker/main.ts')
const CONTEXT = 512

const say = (line: string): void => void (values.json || process.stdout.write(`${line}\n`))
const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Tokens of `count` generations at once, by the second. */
async function rate(count: number, one: (index: number) => Promise<number>): Promise<number> {
  const began = performance.now()
  const made = await Promise.all(Array.from({ length: count }, (_, index) => one(index)))
  return (1000 * made.reduce((sum, tokens) => sum + tokens, 0)) / (performance.now() - began)
}

async function startEngine(
  bytes: Uint8Array,
  withServer: boolean,
): Promise<{ host: EngineHost; engine: EngineProcess }> {
  const host = await EngineHost.open({
    entry: ENTRY,
    require: 'best-effort',
    ...(withServer && { llamaServer: { path: server!, sha256: sha256Of(readFileSync(server!)) } }),
  })
  const file: ModelFileEntry = {
    name: 'model.gguf',
    sha256: sha256Of(bytes),
    size: bytes.length,
    role: 'weights',
  }
  const model = {
    format: 'sotto-model/1',
    id: 'bench',
    task: 'text-generation',
    engine: 'gguf',
    files: [file],
  } as const
  const manifest = { ...model, digest: modelDigest(model) }
  const engine = await host.start({
    manifest,
    files: new Map([['model.gguf', bytes]]),
    concurrency: chats,
    contextTokens: CONTEXT,
  })
  return { host, engine }
}

/** One generation through an engine process: the first token, then the rest; the prompt is one token. */
const through =
  (engine: EngineProcess) =>
  async (index: number): Promise<number> => {
    let made = 0
    const sampling = { temperature: 1, seed: index }
    for await (const event of engine.generate({ prompt: [1, 10 + index], maxTokens: tokens, sampling }))
      if (event.type === 'done') made = event.usage.outputTokens
    return made
  }

/** A llama-server by itself, with the same slots, spoken to as its clients do. */
async function startRaw(
  model: string,
): Promise<{ one: (index: number) => Promise<number>; stop: () => void }> {
  const socketPath = join(work, 'raw.sock')
  const flags = [
    '-m',
    model,
    '--host',
    socketPath,
    '--parallel',
    `${chats}`,
    '-c',
    `${chats * CONTEXT}`,
    '-t',
    `${cores}`,
    '--log-disable',
    '--no-ui',
  ]
  const child = spawn(server!, flags, { stdio: 'ignore' })
  while (!existsSync(socketPath)) await sleep(20)
  const post = (path: string, body: object): Promise<string> =>
    new Promise((resolve, reject) => {
      const outgoing = request(
        { socketPath, path, method: 'POST', headers: { 'content-type': 'application/json' } },
        (answer) => {
          let text = ''
          answer.on('data', (part: Buffer) => (text += part.toString()))
          answer.once('end', () =>
            answer.statusCode === 200 ? resolve(text) : reject(new Error(`status ${answer.statusCode}`)),
          )
        },
      )
      outgoing.once('error', reject)
      outgoing.end(JSON.stringify(body))
    })
  const one = async (index: number): Promise<number> => {
    const body = {
      prompt: [1, 10 + index],
      n_predict: tokens,
      seed: index,
      temperature: 1,
      stream: true,
      cache_prompt: false,
    }
    const text = await post('/completion', body)
    return Number(
      /"tokens_predicted":(\d+)[^{}]*"tokens_evaluated"(?!.*"tokens_predicted")/s.exec(text)?.[1] ?? tokens,
    )
  }
  for (let tries = 0; ; tries++) {
    try {
      await one(0)
      break
    } catch (error) {
      if (tries > 500) throw error
      await sleep(20)
    }
  }
  return { one, stop: () => child.kill('SIGKILL') }
}

/** llama-bench, which lies beside the server: generation alone. */
function rawStream(model: string, count: number): number {
  const words = ['-m', model, '-p', '0', '-n', `${tokens}`, '-r', '1', '-t', `${count}`, '-o', 'json']
  const [found] = JSON.parse(
    execFileSync(join(dirname(server!), 'llama-bench'), words, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  ) as { avg_ts: number }[]
  return found!.avg_ts
}

/** Without a llama.cpp at hand: the binding that the engine uses, called directly. */
async function rawBinding(path: string): Promise<() => Promise<number>> {
  const { getLlama, LlamaLogLevel } = await import('node-llama-cpp')
  const llama = await getLlama({
    build: 'never',
    skipDownload: true,
    gpu: false,
    logLevel: LlamaLogLevel.disabled,
    maxThreads: threads,
  })
  const model = await llama.loadModel({ modelPath: path, gpuLayers: 0 })
  const context = await model.createContext({ sequences: 1, contextSize: CONTEXT, batchSize: 256, threads })
  return async () => {
    const sequence = context.getSequence()
    let made = 0
    for await (const _ of sequence.evaluate([1, 10] as never, { temperature: 1, seed: 0 }))
      if (++made >= tokens) break
    await sequence.dispose()
    return made
  }
}

function add(name: string, value: number): void {
  ;(results[name] ??= []).push(value)
}

function ratio(name: string, ours: string, theirs: string, gate?: number): void {
  const [a, b] = [results[ours], results[theirs]]
  if (!a || !b) return
  const value = spread(a).median / spread(b).median
  results[name] = [value]
  say(
    `${name}: ${value.toFixed(2)}${gate === undefined ? '' : ` (gate ${gate}: ${value >= gate ? 'holds' : 'MISSED'})`}`,
  )
}

try {
  const model = values.model ?? join(work, 'model.gguf')
  if (values.model === undefined)
    writeRandomLlama(model, LLAMA_SHAPES[values.shape as keyof typeof LLAMA_SHAPES])
  const bytes = readFileSync(model)
  say(
    `${values.model ?? `a llama of the shape ${values.shape} with random weights`}, ${bytes.length} bytes; ${tokens} tokens, ${rounds} rounds`,
  )
  say(describeNoise('before', await measureNoise()))
  const inProcess = await startEngine(bytes, false)
  const served = server === undefined ? undefined : await startEngine(bytes, true)
  const raw = server === undefined ? undefined : await startRaw(model)
  const hasBench = server !== undefined && existsSync(join(dirname(server), 'llama-bench'))
  const binding = server === undefined ? await rawBinding(model) : undefined
  await binding?.()
  for (const { engine } of [inProcess, served].filter((one) => one !== undefined)) await through(engine)(0)
  for (let round = 0; round < rounds; round++) {
    add(`engine, 1 stream, ${threads} threads`, await rate(1, through(inProcess.engine)))
    if (binding) add(`node-llama-cpp, ${threads} threads`, await rate(1, binding))
    if (hasBench) add(`llama-bench, ${threads} threads`, rawStream(model, threads))
    if (served) add(`llama-server child, 1 stream, ${cores} threads`, await rate(1, through(served.engine)))
    if (hasBench) add(`llama-bench, ${cores} threads`, rawStream(model, cores))
    if (raw) add(`raw llama-server, 1 stream, ${cores} threads`, await rate(1, raw.one))
    add(`engine, ${chats} chats`, await rate(chats, through(inProcess.engine)))
    if (served) add(`llama-server child, ${chats} chats`, await rate(chats, through(served.engine)))
    if (raw) add(`raw llama-server, ${chats} chats`, await rate(chats, raw.one))
  }
  raw?.stop()
  await Promise.all([inProcess.host.close(), served?.host.close()])
  say('tokens a second, smallest, middle, largest')
  for (const [name, found] of Object.entries(results)) say(`  ${name}: ${show(spread(found), '', 1)}`)
  ratio(
    `engine / node-llama-cpp called directly`,
    `engine, 1 stream, ${threads} threads`,
    `node-llama-cpp, ${threads} threads`,
  )
  ratio(
    `engine / llama-bench at ${threads} threads`,
    `engine, 1 stream, ${threads} threads`,
    `llama-bench, ${threads} threads`,
    0.95,
  )
  ratio(
    `llama-server child / llama-bench at ${cores} threads`,
    `llama-server child, 1 stream, ${cores} threads`,
    `llama-bench, ${cores} threads`,
    0.95,
  )
  ratio(
    'llama-server child / raw llama-server, 1 stream',
    `llama-server child, 1 stream, ${cores} threads`,
    `raw llama-server, 1 stream, ${cores} threads`,
  )
  ratio(
    `llama-server child / raw llama-server, ${chats} chats`,
    `llama-server child, ${chats} chats`,
    `raw llama-server, ${chats} chats`,
  )
  ratio(
    `engine / raw llama-server, ${chats} chats`,
    `engine, ${chats} chats`,
    `raw llama-server, ${chats} chats`,
  )
  say(describeNoise('after', await measureNoise()))
  if (values.json) process.stdout.write(`${JSON.stringify(results)}\n`)
} finally {
  rmSync(work, { recursive: true, force: true })
}
