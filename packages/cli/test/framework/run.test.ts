import { SottoError } from '@sotto/protocol/errors'
import { describe, expect, it } from 'vitest'
import { type Adviser, type Command, defineCommand } from '../../src/framework/index.ts'
import { runInMemory } from '../support/memory-io.ts'

const greet = defineCommand({
  path: ['greet'],
  summary: 'Greet somebody',
  description: 'Politely.',
  arguments: [{ name: 'NAME', summary: 'whom', required: true }],
  flags: {
    loud: { type: 'boolean', short: 'l', summary: 'in capitals' },
    'how-often': { type: 'number', value: 'N', summary: 'repetitions', min: 1, max: 3, integer: true },
    tone: { type: 'string', value: 'TONE', summary: 'how', choices: ['warm', 'cold'] },
  },
  examples: ['sotto greet Ada'],
  async run(context, [name], flags) {
    const text = `${flags.tone ?? 'plain'} ${name}`
    if (context.global.json) context.json({ text, loud: flags.loud, often: flags['how-often'] ?? 1 })
    else context.out(flags.loud ? text.toUpperCase() : text)
    context.note('a note')
    context.detail('a detail')
    context.warn('a warning')
  },
})

function failing(error: unknown): Command {
  return defineCommand({
    path: ['room', 'fail'],
    summary: 'Fail',
    flags: {},
    run: () => Promise.reject(error),
  })
}

const run = (...argv: string[]): ReturnType<typeof runInMemory> => runInMemory([greet], argv)

describe('a command line', () => {
  it('prints results to standard output and talk to standard error', async () => {
    expect(await run('greet', 'Ada', '-l', '--tone', 'warm')).toEqual({
      code: 0,
      stdout: 'WARM ADA\n',
      stderr: 'a note\na warning\n',
    })
  })

  it('takes global flags before and after the command', async () => {
    const expected = { text: 'plain Ada', loud: false, often: 2 }
    expect(JSON.parse((await run('--json', 'greet', 'Ada', '--how-often', '2')).stdout)).toEqual(expected)
    expect(JSON.parse((await run('greet', 'Ada', '--how-often', '2', '--json')).stdout)).toEqual(expected)
  })

  it('may have a command below a command, each with flags of its own', async () => {
    const below = defineCommand({
      path: ['greet', 'back'],
      summary: 'Greet in turn',
      flags: { tone: { type: 'string', value: 'WORD', summary: 'how' } },
      run: (context, _args, flags) => Promise.resolve(context.out(`back ${flags.tone}`)),
    })
    const sotto = (...argv: string[]): ReturnType<typeof runInMemory> => runInMemory([greet, below], argv)
    expect((await sotto('greet', 'back', '--tone', 'warm')).stdout).toBe('back warm\n')
    expect((await sotto('greet', 'Ada', '--tone', 'cold')).stdout).toBe('cold Ada\n')
    expect((await sotto('greet', 'back', '--loud')).code).toBe(2)
    expect((await sotto('greet', 'back', '--help')).stdout).not.toContain('--loud')
    expect((await sotto('--help')).stdout).toContain('Greet somebody')
  })

  it('keeps warnings with --quiet and adds details with --verbose', async () => {
    expect((await run('greet', 'Ada', '--quiet')).stderr).toBe('a warning\n')
    expect((await run('greet', 'Ada', '--verbose')).stderr).toBe('a note\na detail\na warning\n')
  })

  it.each([
    [
      'an unknown flag',
      ['greet', 'Ada', '--laud'],
      "error: unknown option '--laud' [CLI_USAGE]\nhint: did you mean --loud?\n",
    ],
    [
      'an unknown command',
      ['great'],
      "error: unknown command 'great' [CLI_USAGE]\nhint: did you mean greet?\n",
    ],
    [
      'a missing argument',
      ['greet'],
      "error: missing required argument 'NAME' [CLI_USAGE]\nhint: run sotto --help, or --help after a command, to see what it takes\n",
    ],
    [
      'a number out of bounds',
      ['greet', 'Ada', '--how-often', '4'],
      '--how-often takes a whole number from 1 to 3',
    ],
    ['a fraction', ['greet', 'Ada', '--how-often', '1.5'], '--how-often takes a whole number from 1 to 3'],
    ['a value that is no choice', ['greet', 'Ada', '--tone', 'odd'], 'Allowed choices are warm, cold'],
    ['too many arguments', ['greet', 'Ada', 'Bob'], 'error: too many arguments'],
  ])('exits 2 and gives a hint for %s', async (_, argv, message) => {
    const { code, stdout, stderr } = await run(...argv)
    expect(code).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toContain(message)
    expect(stderr).toMatch(/^error: .*\nhint: /s)
  })

  it('prints help and version on standard output with exit code 0', async () => {
    const help = await run('greet', '--help')
    expect([help.code, help.stderr]).toEqual([0, ''])
    expect(help.stdout).toMatch(
      /Usage: sotto greet \[options\] <NAME>[\s\S]*Politely\.[\s\S]*Examples:\n {2}\$ sotto greet Ada\n/,
    )
    expect(await run('--version')).toEqual({ code: 0, stdout: '1.2.3\n', stderr: '' })
    for (const argv of [
      ['--version', '--json'],
      ['--json', '--version'],
    ])
      expect(await run(...argv)).toEqual({ code: 0, stdout: '{"version":"1.2.3"}\n', stderr: '' })
  })

  it('exits 2 for a group without a command', async () => {
    const { code, stdout, stderr } = await runInMemory([failing(new Error('x'))], ['room'])
    expect([code, stdout, stderr.startsWith('error: a command is missing [CLI_USAGE]\nhint: ')]).toEqual([
      2,
      '',
      true,
    ])
  })

  it('shows help when nothing is asked', async () => {
    const { code, stdout } = await run()
    expect([code, stdout.includes('Usage: sotto')]).toEqual([0, true])
  })
})

describe('a failure', () => {
  it('is error, expected, found and hint, in plain text', async () => {
    const error = new SottoError('X_CODE', 'stop', 'The root differs.', {
      expected: 'aa',
      found: 'bb\u001B[2J',
      hint: 'Stop.',
    })
    expect(await runInMemory([failing(error)], ['room', 'fail'])).toEqual({
      code: 1,
      stdout: '',
      stderr: 'error: the root differs [X_CODE]\n  expected: aa\n  found:    bb\uFFFD[2J\nhint: stop\n',
    })
  })

  it('is one line of JSON with --json', async () => {
    const error = new SottoError('BUNDLE_UNREACHABLE', 'retry', 'no bundle')
    const { code, stderr } = await runInMemory([failing(error)], ['room', 'fail', '--json'])
    expect(code).toBe(6)
    expect(JSON.parse(stderr)).toMatchObject({
      error: { code: 'BUNDLE_UNREACHABLE', action: 'retry', message: 'no bundle' },
    })
  })

  it('has the hint of who knows more, and its own when that fails', async () => {
    const command = (adviser: Adviser): Command =>
      defineCommand({
        path: ['fail'],
        summary: 'Fail',
        flags: {},
        async run(context) {
          context.onFailure(() => Promise.resolve(undefined))
          context.onFailure(adviser)
          throw new SottoError('X_CODE', 'retry', 'no answer', { hint: 'wait' })
        },
      })
    const hintOf = async (adviser: Adviser): Promise<string> =>
      (await runInMemory([command(adviser)], ['fail'])).stderr.split('\n')[1]!
    expect(await hintOf(async ({ code }) => `look at ${code}`)).toBe('hint: look at X_CODE')
    expect(await hintOf(() => Promise.reject(new Error('odd')))).toBe('hint: wait')
  })

  it('is JSON too when the command line does not parse', async () => {
    const { code, stderr } = await run('greet', 'Ada', '--frob', '--json')
    expect(code).toBe(2)
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'CLI_USAGE', action: 'fix-input' } })
  })

  it('shows a stack only with --verbose', async () => {
    const error = new Error('odd')
    expect((await runInMemory([failing(error)], ['room', 'fail'])).stderr).toBe('error: odd\n')
    expect((await runInMemory([failing(error)], ['room', 'fail', '-v'])).stderr).toContain('run.test.ts')
  })

  it('is coloured on a terminal unless told not to', async () => {
    const at = (argv: string[], env = {}): ReturnType<typeof runInMemory> =>
      runInMemory([failing(new Error('odd'))], argv, { stderrTerminal: true, env })
    expect((await at(['room', 'fail'])).stderr).toBe('\u001B[31merror:\u001B[39m odd\n')
    expect((await at(['room', 'fail', '--no-color'])).stderr).toBe('error: odd\n')
    expect((await at(['room', 'fail'], { NO_COLOR: '1' })).stderr).toBe('error: odd\n')
  })
})

describe('an interruption', () => {
  it('exits 130 after the cleanups ran, newest first, also when one fails', async () => {
    const order: string[] = []
    const interrupt = new AbortController()
    const command = defineCommand({
      path: ['wait'],
      summary: 'Wait',
      flags: {},
      async run(context) {
        context.onExit(() => void order.push('first'))
        context.onExit(() => Promise.reject(new Error('cleanup')))
        context.onExit(() => void order.push('last'))
        interrupt.abort(new DOMException('interrupted', 'AbortError'))
        context.signal.throwIfAborted()
      },
    })
    expect(await runInMemory([command], ['wait'], { signal: interrupt.signal })).toEqual({
      code: 130,
      stdout: '',
      stderr: 'error: interrupted [CLI_CANCELLED]\n',
    })
    expect(order).toEqual(['last', 'first'])
  })
})

describe('a question', () => {
  const remove = defineCommand({
    path: ['rm'],
    summary: 'Remove',
    flags: {},
    run: async (context) => context.out(String(await context.confirm('remove it?'))),
  })

  it.each([
    ['y\n', 'true\n'],
    ['\n', 'false\n'],
    ['no\n', 'false\n'],
  ])('answered %j gives %j', async (stdin, stdout) => {
    expect(
      await runInMemory([remove], ['rm'], { stdin: [stdin], stdinTerminal: true, stderrTerminal: true }),
    ).toEqual({
      code: 0,
      stdout,
      stderr: 'remove it? [y/N] ',
    })
  })

  it('is not asked with --yes, and exits 2 without a terminal', async () => {
    expect((await runInMemory([remove], ['rm', '-y'])).stdout).toBe('true\n')
    const { code, stderr } = await runInMemory([remove], ['rm'])
    expect([code, stderr.includes('hint: pass --yes')]).toEqual([2, true])
  })
})
