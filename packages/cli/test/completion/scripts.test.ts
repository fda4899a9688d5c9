import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { commands as all } from '../../src/commands/index.ts'
import { completionNodes, completionScript, type Shell, SHELLS } from '../../src/completion/index.ts'
import { defineCommand } from '../../src/framework/index.ts'

const commands = [
  defineCommand({
    path: ['receipt', 'verify'],
    summary: "Verify somebody's receipt",
    arguments: [{ name: 'FILE', summary: '', required: true }],
    flags: {
      policy: { type: 'string', value: 'FILE', summary: 'what you accept' },
      host: { type: 'string', value: 'URL', summary: 'where' },
      format: { type: 'string', short: 'f', value: 'FORMAT', summary: 'how', choices: ['text', 'json'] },
    },
    run: async () => 0,
  }),
  defineCommand({ path: ['chat'], summary: 'Talk', flags: {}, run: async () => 0 }),
  defineCommand({
    path: ['receipt'],
    summary: 'Say what receipts are',
    arguments: [{ name: 'TOPIC', summary: '', required: true, choices: ['age', 'size'] }],
    flags: {},
    run: async () => 0,
  }),
]
const nodes = completionNodes(commands)

/** What bash offers after it sourced the script. */
function complete(words: string[], from = nodes): string[] {
  const script = `${completionScript('bash', from)}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _sotto; printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', script], { encoding: 'utf8' })
  expect(stderr).toBe('')
  return stdout.trim().split('\n')
}

describe('completions', () => {
  it('know groups, commands, flags and values from the same data as the parser', () => {
    expect(nodes.map(({ path, files }) => [path, files])).toEqual([
      ['', false],
      ['receipt', false],
      ['receipt verify', true],
      ['chat', false],
    ])
    const words = Object.fromEntries(nodes[2]!.words.map((one) => [one.word, one]))
    expect(words['--policy']).toEqual({ word: '--policy', summary: 'what you accept', takes: 'file' })
    expect(words['--format']).toMatchObject({ short: '-f', takes: ['text', 'json'] })
    expect(words['--config']).toMatchObject({ takes: 'file' })
    expect(words['--json']).not.toHaveProperty('takes')
    expect(nodes[0]!.words.find(({ word }) => word === 'receipt')!.summary).toBe('Say what receipts are')
  })

  it('complete in bash', () => {
    expect(complete(['sotto', 're'])).toEqual(['receipt'])
    expect(complete(['sotto', '--json', 'receipt', ''])).toEqual(
      expect.arrayContaining(['verify', 'age', 'size']),
    )
    expect(complete(['sotto', 'receipt', 'verify', '--po'])).toEqual(['--policy'])
    expect(complete(['sotto', '--config', 'chat', 're'])).toEqual(['receipt'])
    for (const flag of ['--format', '-f'])
      expect(complete(['sotto', 'receipt', 'verify', flag, ''])).toEqual(['text', 'json'])
    // Nobody can guess an address; files are for the shell itself.
    for (const flag of ['--host', '--policy'])
      expect(complete(['sotto', 'receipt', 'verify', flag, ''])).toEqual([''])
  })

  it('complete every command of the table in bash, with nothing in them to quote', () => {
    const own = completionNodes(all)
    for (const { word } of own.flatMap(({ words }) => words)) expect(word).toMatch(/^[\w.-]+$/)
    const script = all.map(({ path }) => {
      const words = ['sotto', ...path].map((word) => `'${word}'`).join(' ')
      return `COMP_WORDS=(${words}); COMP_CWORD=${path.length}; _sotto; printf '%s\\n' "\${COMPREPLY[*]}"`
    })
    const { stdout } = spawnSync(
      'bash',
      ['--norc', '-c', [completionScript('bash', own), ...script].join('\n')],
      {
        encoding: 'utf8',
      },
    )
    const offered = stdout.trimEnd().split('\n')
    for (const [index, { path }] of all.entries()) expect(offered[index]!.split(' ')).toContain(path.at(-1))
  })

  it.each(SHELLS)('quote summaries in %s', (shell) => {
    const script = completionScript(shell, nodes)
    const quoted = { bash: 'receipt', zsh: `somebody'\\''s`, fish: `somebody\\'s`, powershell: `somebody''s` }
    expect(script).toContain(quoted[shell])
    expect(script).toContain(`sotto completions ${shell}`)
  })

  it('have in zsh, fish and PowerShell what bash has', () => {
    const has = (shell: Exclude<Shell, 'bash'>, line: string): void =>
      expect(
        completionScript(shell, nodes)
          .split('\n')
          .map((one) => one.trim()),
      ).toContain(line)
    has('zsh', `"receipt verify --format"|"receipt verify -f") compadd -- 'text' 'json'; return ;;`)
    has('zsh', `"receipt verify --host") return ;;`)
    has('fish', `complete -c sotto -n '__sotto_at receipt verify' -l policy -r -F -d 'what you accept'`)
    has('fish', `complete -c sotto -n '__sotto_at receipt verify' -l format -s f -x -a 'text json' -d 'how'`)
    has('fish', `complete -c sotto -n '__sotto_at receipt verify' -l host -x -d 'where'`)
    has('fish', `complete -c sotto -n '__sotto_at' -a 'chat' -d 'Talk'`)
    has('powershell', `'receipt verify --format' = @('text', 'json')`)
    has('powershell', `'receipt verify -f' = @('text', 'json')`)
  })

  it.each([
    ['bash', ['bash', '-n']],
    ['zsh', ['zsh', '-f', '-n']],
    ['fish', ['fish', '--no-execute']],
    [
      'powershell',
      ['pwsh', '-NoProfile', '-Command', '[scriptblock]::Create([Console]::In.ReadToEnd()) | Out-Null'],
    ],
  ] as const)('are %s that its own parser reads', (shell, [program, ...args]) => {
    const own = completionScript(shell, completionNodes(all))
    const { status, stderr, error } = spawnSync(program, args, { input: own, encoding: 'utf8' })
    if (error !== undefined)
      return void process.stderr.write(`skipped: ${program} is not here to read its completions\n`)
    expect([status, stderr]).toEqual([0, ''])
  })
})
