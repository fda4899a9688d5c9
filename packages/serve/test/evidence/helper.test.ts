import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import {
  collectGpuEvidence,
  collectNitroDocument,
  collectWithSnpguest,
  runHelper,
} from '@sotto/serve/evidence'

let folder: string
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'sotto-helper-'))))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A program that is a few lines of shell; `$DIR` is its folder. */
function program(body: string): string {
  const path = join(folder, 'helper')
  writeFileSync(path, `#!/bin/sh\nDIR='${folder}'\n${body}\n`)
  chmodSync(path, 0o755)
  return path
}
const text = (path: string): string => readFileSync(join(folder, path), 'utf8')

describe('a helper', () => {
  it('gives what it writes, gets no shell, no input and none of our environment', async () => {
    process.env['SOTTO_TEST_TOKEN'] = 'secret'
    const command = program('printf "%s\\n" "$@" "$SOTTO_TEST_TOKEN"; cat')
    const output = await runHelper({ command, args: ['$(id)', '; ls', '*'] })
    delete process.env['SOTTO_TEST_TOKEN']
    expect(output).toEqual(utf8('$(id)\n; ls\n*\n\n'))
  })

  it.each([
    ['fails', 'echo "no such device\u001b[2J" >&2; exit 3', { code: 'COLLECT_FAILED', found: '3' }],
    ['dies', 'kill -9 $$', { code: 'COLLECT_FAILED', found: 'SIGKILL' }],
    ['hangs', 'sleep 60', { code: 'COLLECT_TIMEOUT' }],
    ['talks without end', 'exec yes', { code: 'COLLECT_MALFORMED', expected: 'at most 10000 bytes' }],
    ['complains without end', 'exec yes >&2', { code: 'COLLECT_TIMEOUT' }],
  ])('that %s is named', async (_what, body, expected) => {
    const running = runHelper({ command: program(body), args: [], timeoutMs: 400, maxBytes: 10_000 })
    await expect(running).rejects.toMatchObject(expected)
  })

  it('cannot move a cursor with what it says', async () => {
    const command = program('printf "bad\\033[2Jthing" >&2; exit 1')
    await expect(runHelper({ command, args: [] })).rejects.toThrow(`${command}: bad [2Jthing`)
  })

  it('takes with it what it started', async () => {
    const command = program('sleep 60 & echo $! > "$DIR/pid"; wait')
    await expect(runHelper({ command, args: [], timeoutMs: 300 })).rejects.toMatchObject({
      code: 'COLLECT_TIMEOUT',
    })
    const stat = `/proc/${text('pid').trim()}/stat`
    // Gone, or dead and not buried yet.
    await expect.poll(() => !existsSync(stat) || / Z /.test(readFileSync(stat, 'utf8'))).toBe(true)
  })

  it('that is missing, or no program, says so', async () => {
    const path = program('')
    await expect(runHelper({ command: join(folder, 'none'), args: [] })).rejects.toMatchObject({
      code: 'COLLECT_UNAVAILABLE',
    })
    chmodSync(path, 0o644)
    await expect(runHelper({ command: path, args: [] })).rejects.toMatchObject({ code: 'COLLECT_DENIED' })
  })
})

describe('snpguest', () => {
  const data = new Uint8Array(64).fill(9)
  const collect = (body: string): Promise<Uint8Array> =>
    collectWithSnpguest(data, { command: program(body), directory: folder })

  it('makes a report of our data in a folder that goes afterwards', async () => {
    const report = await collect(
      'cp "$3" "$DIR/request"; echo "$1" > "$DIR/verb"; head -c 1184 /dev/zero > "$2"',
    )
    expect(report).toHaveLength(1184)
    expect(text('verb')).toBe('report\n')
    expect(readFileSync(join(folder, 'request'))).toEqual(Buffer.from(data))
    expect(readdirSync(folder).filter((name) => name.startsWith('sotto-report-'))).toEqual([])
  })

  it.each([
    ['nothing', 'true', 'COLLECT_MALFORMED'],
    ['something else', 'echo hello > "$2"', 'COLLECT_MALFORMED'],
    ['an error', 'exit 1', 'COLLECT_FAILED'],
  ])('that leaves %s is refused', async (_what, body, code) => {
    await expect(collect(body)).rejects.toMatchObject({ code })
    expect(readdirSync(folder)).toEqual(['helper'])
  })
})

describe('the helper for Nitro', () => {
  it('gets everything in hexadecimal and gives a document', async () => {
    const command = program('echo "$@" > "$DIR/args"; printf "\\204\\104"')
    const document = await collectNitroDocument(
      { command },
      { nonce: Uint8Array.of(1), userData: utf8('a'), publicKey: utf8('b') },
    )
    expect(document).toEqual(Uint8Array.of(0x84, 0x44))
    expect(text('args')).toBe('--nonce 01 --user-data 61 --public-key 62\n')
  })

  it('is refused when it gives something else, or more than a document', async () => {
    await expect(
      collectNitroDocument({ command: program('echo error: no device') }, {}),
    ).rejects.toMatchObject({ code: 'COLLECT_MALFORMED' })
    await expect(collectNitroDocument({ command: program('yes') }, {})).rejects.toMatchObject({
      code: 'COLLECT_MALFORMED',
    })
    await expect(
      collectNitroDocument({ command: 'x' }, { nonce: new Uint8Array(513) }),
    ).rejects.toMatchObject({ code: 'COLLECT_INPUT' })
  })
})

describe('nvattest', () => {
  const nonce = new Uint8Array(32).fill(0xab)
  const collect = (output: string): Promise<Uint8Array> =>
    collectGpuEvidence(nonce, { command: program(`echo "$@" > "$DIR/args"; printf '%s' '${output}'`) })

  it('is asked for the evidence of GPUs with our nonce', async () => {
    await expect(collect('[{"evidence":"AA"}]')).resolves.toEqual(utf8('[{"evidence":"AA"}]'))
    expect(text('args')).toBe(`collect-evidence --device gpu --nonce ${'ab'.repeat(32)} --format json\n`)
    await expect(collect('{"evidences":[{}],"result_code":0}')).resolves.toHaveLength(34)
  })

  it.each([
    ['no JSON', 'no GPU found', 'COLLECT_MALFORMED'],
    ['no list', '{"a":1}', 'COLLECT_MALFORMED'],
    ['nothing', 'null', 'COLLECT_MALFORMED'],
    ['no GPU', '[]', 'COLLECT_UNAVAILABLE'],
  ])('that finds %s is named', async (_what, output, code) => {
    await expect(collect(output)).rejects.toMatchObject({ code })
  })

  it('is not asked with a nonce of another length', async () => {
    await expect(collectGpuEvidence(new Uint8Array(31))).rejects.toMatchObject({ code: 'COLLECT_INPUT' })
  })
})
