import { closeSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { withMemoryLimit } from '../../../src/engines/host/memory-limit.ts'
import { probeSandbox } from '../../../src/engines/host/sandbox.ts'
import { runWasm, tryModule, type WasmEngine, type WasmRun } from '../../../src/room/wasm/index.ts'
import { makeEmptyDirectory } from '../../../src/sandbox/index.ts'
import { ramFile } from '../sql/engine.ts'
import { assemble, branch, i32, loop, program } from './assembler.ts'
import { COPY, joinItems } from './programs.ts'

const emptyDirectory = makeEmptyDirectory()
const entry = fileURLToPath(new URL('../../../src/room/wasm/worker.ts', import.meta.url))
const ENGINE: WasmEngine = { entry, emptyDirectory }
const LIMITS = { memoryBytes: 2 ** 20, seconds: 30, fuelMillions: 10 }

const open: number[] = []
afterAll(() => open.forEach((fd) => closeSync(fd)))

function input(content: string | Uint8Array): number {
  const fd = ramFile(content)
  open.push(fd)
  return fd
}

function runOf(over: Partial<WasmRun> = {}): WasmRun {
  return {
    module: COPY,
    args: [],
    limits: LIMITS,
    inputs: [{ name: 'people', fd: input('id\n1\n'), items: 'one' }],
    maxOutputBytes: 10_000_000,
    time: 1_700_000_000,
    seed: new Uint8Array(32),
    ...over,
  }
}

async function text(run: WasmRun, engine: WasmEngine = ENGINE): Promise<string> {
  return Buffer.from(await runWasm(engine, run)).toString()
}

describe('the process of a module', () => {
  it('answers what the module wrote', async () => {
    expect(await text(runOf())).toBe('id\n1\n')
  })

  it('answers large outputs, in pieces', async () => {
    const content = Buffer.alloc(3_000_001, 'abcdefg')
    const limits = { ...LIMITS, fuelMillions: 1000 }
    const run = runOf({ inputs: [{ name: 'people', fd: input(content), items: 'one' }], limits })
    expect(Buffer.from(await runWasm(ENGINE, run)).equals(content)).toBe(true)
  })

  it('runs in the sandbox of engines, and within a limit of memory', async (context) => {
    const uid = 63_501
    const sandbox = await probeSandbox({ entry, uid, emptyDirectory })
    if (process.getuid!() !== 0) context.skip('only root can give it a uid of its own')
    expect(sandbox.report).toMatchObject({ uid: 'own', network: 'none', noNewPrivs: true })
    const prefix = [...withMemoryLimit(2 * 2 ** 30), ...sandbox.prefix(uid, emptyDirectory)]
    expect(await text(runOf(), { ...ENGINE, prefix })).toBe('id\n1\n')
  })

  it.each([
    ['ROOM_WASM_FUEL', { module: program(loop(branch(0))) }],
    ['ROOM_WASM_INVALID', { module: new Uint8Array(3) }],
    ['ROOM_WASM_INVALID', { module: program(i32(1)) }],
    ['ROOM_WASM_MEMORY', { module: assemble({ memory: [0, 17] }) }],
    ['ROOM_WASM_TOO_LARGE', { maxOutputBytes: 4 }],
    [
      'ROOM_WASM_TIMEOUT',
      { module: program(loop(branch(0))), limits: { ...LIMITS, seconds: 3, fuelMillions: 1e9 } },
    ],
  ] as const)('ends with %s', async (code, over) => {
    await expect(runWasm(ENGINE, runOf(over))).rejects.toMatchObject({ code })
  })

  it('is refused items that are not those that were stated', async () => {
    const inputs = [{ name: 'people', fd: input(joinItems(['a', 'b'])), items: 3 }]
    await expect(runWasm(ENGINE, runOf({ inputs }))).rejects.toMatchObject({ code: 'ROOM_WASM_INPUT' })
  })

  it('is gone when the caller cancels', async () => {
    const controller = new AbortController()
    const asked = runWasm(
      ENGINE,
      runOf({
        module: program(loop(branch(0))),
        limits: { ...LIMITS, fuelMillions: 1e9 },
        signal: controller.signal,
      }),
    )
    setTimeout(() => controller.abort(), 300)
    await expect(asked).rejects.toMatchObject({ code: 'ROOM_WASM_CANCELLED' })
  })

  it('says that it ended', async () => {
    await expect(runWasm({ ...ENGINE, entry: '/nonexistent.ts' }, runOf())).rejects.toMatchObject({
      code: 'ROOM_WASM_CRASHED',
    })
  })

  it.each([
    ['says something else', [[0, { say: 'ran' }]], 'ROOM_WASM_CRASHED'],
    ['says what nobody knows', [[0, { say: 'done' }]], 'ROOM_WASM_CRASHED'],
    [
      'fails in words of its own',
      [[0, { say: 'failed', code: 'SECRET', message: 'secret' }]],
      'ROOM_WASM_CRASHED',
    ],
    [
      'adds words to a failure',
      [[0, { say: 'failed', code: 'ROOM_WASM_TRAP', message: 'secret' }]],
      'ROOM_WASM_TRAP',
    ],
    ['writes before it was asked to', [[1, 'secret']], 'ROOM_WASM_CRASHED'],
    [
      'writes more than it may',
      [
        [0, { say: 'loaded' }],
        [1, 'secret'],
      ],
      'ROOM_WASM_TOO_LARGE',
    ],
  ])('is not believed when it %s', async (_, answers, code) => {
    // Takes the message of each question, whatever comes before it, and says what comes next.
    const source = `
      import { Socket } from 'node:net'
      const socket = new Socket({ fd: 3, readable: true, writable: true })
      const answers = ${JSON.stringify(answers)}
      const send = ([kind, said]) => {
        const bytes = Buffer.from(kind === 0 ? JSON.stringify(said) : said)
        const head = Buffer.alloc(5); head.writeUInt32BE(bytes.length + 1); head[4] = kind
        socket.write(Buffer.concat([head, bytes]))
      }
      let seen = Buffer.alloc(0)
      socket.on('data', (chunk) => {
        seen = Buffer.concat([seen, chunk])
        for (const word of ['"ask":"load"', '"ask":"run"']) {
          const at = seen.indexOf(word)
          if (at < 0) continue
          seen = seen.subarray(at + word.length)
          if (answers.length > 0) send(answers.shift())
        }
      })`
    const engine = {
      ...ENGINE,
      entry: '-',
      flags: ['--import', `data:text/javascript,${encodeURIComponent(source)}`],
    }
    const asked = runWasm(engine, runOf({ maxOutputBytes: 3 }))
    await expect(asked).rejects.toMatchObject({ code })
    await expect(asked).rejects.not.toThrow(/secret/i)
  })

  it.each([
    [
      'two inputs of one name',
      { inputs: [0, 1].map((fd) => ({ name: 'people', fd, items: 'one' as const })) },
    ],
    ['an input whose name is a path', { inputs: [{ name: '../people', fd: 0, items: 'one' as const }] }],
    ['no items', { inputs: [{ name: 'people', fd: 0, items: 0 }] }],
    ['a short seed', { seed: new Uint8Array(31) }],
    ['an argument with a NUL', { args: ['a\0b'] }],
    ['a time in milliseconds', { time: 1_700_000_000_000_000 }],
    ['no bound of the output', { maxOutputBytes: Infinity }],
  ])('is not started with %s', async (_, over) => {
    await expect(runWasm(ENGINE, runOf(over))).rejects.toThrow(TypeError)
  })
})

describe('a module that is tried', () => {
  it('is taken, without data', async () => {
    await expect(tryModule(ENGINE, COPY, LIMITS)).resolves.toBe(undefined)
  })

  it.each([
    ['format', new Uint8Array(3)],
    ['simd', program([0xfd, 0])],
    ['type', program(i32(1))],
  ])('is refused by %s', async (rule, module) => {
    await expect(tryModule(ENGINE, module, LIMITS)).rejects.toMatchObject({
      code: 'ROOM_WASM_INVALID',
      found: expect.stringContaining(`${rule}: `),
    })
  })
})
