import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { collectGpuEvidence, collectNitroDocument, runHelper } from '@sotto/serve/evidence'

let folder: string
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'sotto-helper-'))))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A program that is a few lines of shell; `$DIR` is its folder. */
function program(body: string, name = 'helper'): string {
  const path = join(folder, name)
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

  it('is looked up where the system keeps programs, wherever our own PATH leads', async () => {
    program('echo forged', 'sotto-helper')
    vi.stubEnv('PATH', `${folder}:${process.env['PATH']}`)
    try {
      await expect(runHelper({ command: 'sotto-helper', args: [] })).rejects.toMatchObject({
        code: 'COLLECT_UNAVAILABLE',
      })
      const output = await runHelper({ command: 'sh', args: ['-c', 'echo "$PATH"'] })
      expect(output).toEqual(utf8('/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n'))
    } finally {
      vi.unstubAllEnvs()
    }
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
  const collect = (output: string, mode?: { f?: string; d?: string }): Promise<Uint8Array> => {
    const { f = 'echo "CC status: ON"', d = 'echo "DevTools Mode: OFF"' } = mode ?? {}
    return collectGpuEvidence(nonce, {
      command: program(`echo "$@" > "$DIR/args"; printf '%s' '${output}'`),
      statusCommand: program(
        `case "$*" in 'conf-compute -f') ${f} ;; 'conf-compute -d') ${d} ;; *) exit 9 ;; esac`,
        'status',
      ),
    })
  }

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

  it.each([
    ['is off', { f: 'echo "CC status: OFF"' }, { expected: 'CC status: ON', found: 'CC status: OFF' }],
    ['is not told', { f: 'true' }, { expected: 'CC status: ON', found: 'nothing' }],
    ['is told twice', { f: 'echo "CC status: ON"; echo "CC status: OFF"' }, { expected: 'CC status: ON' }],
    ['begins alike', { f: 'echo "CC status: ON (devtools)"' }, { expected: 'CC status: ON' }],
    [
      'lets tools look in',
      { d: 'echo "DevTools Mode: ON"' },
      { expected: 'DevTools Mode: OFF', found: 'DevTools Mode: ON' },
    ],
    ['says nothing of tools', { d: 'printf "\\033[2J"' }, { expected: 'DevTools Mode: OFF', found: '[2J' }],
  ])('is not asked where the mode of GPUs %s', async (_what, mode, expected) => {
    await expect(collect('[{}]', mode)).rejects.toMatchObject({ code: 'COLLECT_UNAVAILABLE', ...expected })
    expect(existsSync(join(folder, 'args'))).toBe(false)
  })

  it('is asked whatever case the mode is written in, and not where nobody knows it', async () => {
    const mode = { f: 'printf " cc status: on\\r\\n"', d: 'printf "devtools mode: off"' }
    await expect(collect('[{}]', mode)).resolves.toHaveLength(4)
    await expect(collect('[{}]', { d: 'exit 3' })).rejects.toMatchObject({
      code: 'COLLECT_FAILED',
      found: '3',
    })
    const options = { command: program('true'), statusCommand: join(folder, 'gone') }
    await expect(collectGpuEvidence(nonce, options)).rejects.toMatchObject({ code: 'COLLECT_UNAVAILABLE' })
  })

  it('is not asked with a nonce of another length', async () => {
    await expect(collectGpuEvidence(new Uint8Array(31))).rejects.toMatchObject({ code: 'COLLECT_INPUT' })
  })
})
