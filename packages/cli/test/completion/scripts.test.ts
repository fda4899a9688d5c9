import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { completionNodes, completionScript, SHELLS } from '../../src/completion/index.ts'
import { defineCommand } from '../../src/framework/index.ts'

const commands = [
  defineCommand({
    path: ['receipt', 'verify'],
    summary: "Verify somebody's receipt",
    arguments: [{ name: 'FILE', summary: '', required: true }],
    flags: { policy: { type: 'string', value: 'FILE', summary: 'what you accept' } },
    run: async () => 0,
  }),
  defineCommand({ path: ['chat'], summary: 'Talk', flags: {}, run: async () => 0 }),
]
const nodes = completionNodes(commands)

function complete(words: string[]): string[] {
  const script = `${completionScript('bash', nodes)}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _sotto; printf '%s\\n' "\${COMPREPLY[@]}"`
  return spawnSync('bash', ['-c', script], { encoding: 'utf8' }).stdout.trim().split('\n')
}

describe('completion', () => {
  it('knows groups, commands and flags from the same data as the parser', () => {
    expect(nodes.map((node) => [node.path, node.files])).toEqual([
      ['', false],
      ['receipt', false],
      ['receipt verify', true],
      ['chat', false],
    ])
    expect(nodes[2]!.words.map(({ word }) => word)).toContain('--policy')
  })

  it('completes in bash', () => {
    expect(complete(['sotto', 're'])).toEqual(['receipt'])
    expect(complete(['sotto', '--json', 'receipt', ''])).toContain('verify')
    expect(complete(['sotto', 'receipt', 'verify', '--po'])).toEqual(['--policy'])
  })

  it.each(SHELLS)('quotes summaries in %s', (shell) => {
    const script = completionScript(shell, nodes)
    expect(script).toContain('sotto')
    if (shell !== 'bash') expect(script).toContain(shell === 'zsh' ? `somebody'\\''s` : `somebody\\'s`)
  })
})
