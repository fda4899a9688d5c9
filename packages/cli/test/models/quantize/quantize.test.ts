import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { modelsQuantize } from '../../../src/commands/models/quantize.ts'
import { runInMemory, type RunResult } from '../../support/memory-io.ts'
import { buildGguf } from '../gguf/build.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sotto-quantize-'))
  put('model-f16.gguf', gguf(1, 1))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** A model of one matrix in this type of file and of tensor. */
function gguf(fileType: number, type: number, rows = 32): Uint8Array {
  const settings = { 'general.file_type': { u32: fileType } }
  return buildGguf({ settings, tensors: [{ name: 'a', shape: [64, rows], type }] })
}
function put(name: string, content: Uint8Array | string): string {
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}
/** A llama-quantize that keeps its words and does this with the file it is to write, `$OUT`. */
function tool(script: string): string {
  const path = put(
    'llama-quantize',
    `#!/bin/sh\necho "$@" > "${folder}/words"\nfor OUT; do case "$OUT" in *.partial) break;; esac; done\n${script}\n`,
  )
  chmodSync(path, 0o755)
  return path
}
function run(argv: readonly string[], env: Record<string, string> = {}): Promise<RunResult> {
  const words = ['models', 'quantize', ...argv]
  return runInMemory([modelsQuantize], words, {
    cwd: folder,
    env: { PATH: '', SOTTO_LLAMA_QUANTIZE: join(folder, 'llama-quantize'), ...env },
  })
}

it('makes the file beside the first, and says what became of it', async () => {
  put('made', gguf(2, 2))
  tool(
    `cp made "$OUT"; echo "WARNING: 3 of 9 tensor(s) required fallback quantization" >&2`.replace(
      'made',
      `"${folder}/made"`,
    ),
  )
  const { code, stdout, stderr } = await run(['model-f16.gguf', '--to', 'q4_0', '--json'])
  expect(stderr).toBe('')
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    file: join(folder, 'model-q4_0.gguf'),
    from: 'f16',
    to: 'q4_0',
    fallbacks: 3,
    weights: [{ type: 'q4_0', parameters: 2048 }],
  })
  expect(readdirSync(folder).sort()).toEqual([
    'llama-quantize',
    'made',
    'model-f16.gguf',
    'model-q4_0.gguf',
    'words',
  ])
})

describe('refuses', () => {
  it.each([
    ['a type that does not exist', ['model-f16.gguf', '--to', 'q3'], 'q3'],
    ['no type', ['model-f16.gguf'], 'no type to quantise to'],
    ['to write over the model', ['model-f16.gguf', '--to', 'f16'], 'exists already'],
    ['a file that is no model', ['llama-quantize', '--to', 'q4_0'], 'a GGUF file begins with "GGUF"'],
    ['a file that is not there', ['none.gguf', '--to', 'q4_0'], 'cannot read'],
  ])('%s', async (_, argv, message) => {
    tool('exit 0')
    const { code, stderr } = await run(argv)
    expect(stderr).toContain(message)
    expect(code).toBe(2)
    expect(existsSync(join(folder, 'words'))).toBe(false)
  })

  it('to round twice, unless it is told to', async () => {
    put('small.gguf', gguf(7, 8))
    put('made', gguf(2, 2))
    tool(`cp "${folder}/made" "$OUT"`)
    const refused = await run(['small.gguf', '--to', 'q4_0'])
    expect(refused.stderr).toMatch(/are rounded already[\s\S]*--again/)
    expect(refused.code).toBe(2)
    expect((await run(['small.gguf', '--to', 'q4_0', '--again'])).code).toBe(0)
    expect(existsSync(join(folder, 'small-q4_0.gguf'))).toBe(true)
  })

  it.each([
    ['fails', 'echo "out of memory" >&2; exit 1', 'out of memory'],
    ['fails half-way', 'printf GGUF > "$OUT"; exit 1', 'exit code 1'],
    ['is killed', 'printf GGUF > "$OUT"; kill -9 $$', 'SIGKILL'],
    ['makes nothing', 'exit 0', 'made no model'],
    ['makes half of a model', 'printf GGUF > "$OUT"', 'made no model'],
    ['makes another type', 'cp "$0.other" "$OUT"', 'made another model'],
  ])('what a program leaves that %s', async (_, script, message) => {
    put('llama-quantize.other', gguf(7, 8))
    tool(script)
    const { code, stderr } = await run(['model-f16.gguf', '--to', 'q4_0'])
    expect(stderr).toContain(message)
    expect(code).toBe(2)
    expect(readdirSync(folder).filter((name) => /q4_0|partial/.test(name))).toEqual([])
  })

  it('to search for the program where anybody may have put it, and says how to get it', async () => {
    tool('exit 0')
    const absent = await run(['model-f16.gguf', '--to', 'q4_0'], { SOTTO_LLAMA_QUANTIZE: '', PATH: ':.' })
    expect(absent.code).toBe(2)
    expect(absent.stderr).toMatch(/llama-quantize is not on this machine[\s\S]*scripts\/llama-tools\.ts/)
    const wrong = await run(['model-f16.gguf', '--to', 'q4_0'], { SOTTO_LLAMA_QUANTIZE: 'none' })
    expect(wrong.stderr).toContain('SOTTO_LLAMA_QUANTIZE names no program')
  })
})

it('finds the program on the path and where it was built', async () => {
  put('made', gguf(2, 2))
  const copy = `cp "${folder}/made" "$OUT"`
  tool(copy)
  const onPath = await run(['model-f16.gguf', '--to', 'q4_0'], { SOTTO_LLAMA_QUANTIZE: '', PATH: folder })
  expect(onPath.code).toBe(0)
  const built = join(folder, '.cache/sotto/llama-tools')
  mkdirSync(built, { recursive: true })
  writeFileSync(join(built, 'llama-quantize'), `#!/bin/sh\necho built >&2; exit 1\n`, { mode: 0o755 })
  const first = await run(['model-f16.gguf', '--to', 'q4_0', '--out', 'b.gguf'], {
    SOTTO_LLAMA_QUANTIZE: '',
    PATH: folder,
  })
  expect(first.stderr).toContain('built')
})
