import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { Table } from './table.ts'

let table: Table
beforeEach(async () => void (table = await Table.of(['alice', 'bob', 'carol'], 2)))
afterEach(() => table.clear())

/** Runs a command that has to work, and gives its JSON. */
async function json<T>(...argv: string[]): Promise<T> {
  const { code, stdout, stderr } = await table.sotto([...argv, '--json', '--yes'])
  expect([code, stderr.includes('error:')], stderr).toEqual([0, false])
  return JSON.parse(stdout) as T
}

async function propose(...argv: string[]): Promise<string> {
  return (await json<{ id: string }>('propose', ...argv, '--key', 'alice.key')).id
}

const outcome = async (id: string, by: string, choice = 'accept'): Promise<string> =>
  (await json<{ outcome: string }>('vote', id, choice, '--key', `${by}.key`)).outcome

const KEYS: Record<string, string> = { labs: `${'A'.repeat(42)}E`, studio: `${'A'.repeat(42)}I` }

describe('members at the command line', () => {
  it(
    claim('governance', 'propose, see what it means, vote, and nothing comes true before the majority'),
    async () => {
      const id = await propose('policy', ...table.writePolicy())
      const listed = await table.sotto(['proposals'])
      expect(listed.stdout).toBe(
        'genesis: alice, bob, carol\n' +
          'key-release-policy 2, constitution 2, rotate 1, resume 2, custodians 2, rotate-root 2 of 3\n' +
          `open      ${id.slice(0, 12)} key-release-policy by alice: 0 of 2 accepted, until 2027-01-29 08:00\n`,
      )
      const shown = await table.sotto(['proposals', id.slice(0, 12)])
      expect(shown.stdout).toContain('who may hold request keys: w-b2b2-c3c3 (inference)\n')
      expect(shown.stdout).toContain('no policy is in force; this one accepts:\n')
      expect(await outcome(id, 'bob')).toBe('open')
      expect(table.world.kms.view.state.epoch).toBeUndefined()
      expect(await outcome(id.slice(0, 8), 'carol')).toBe('accepted')
      expect(table.world.keySet.epoch).toBe(1)
      expect((await table.sotto(['proposals'])).stdout).toContain(
        `accepted  ${id.slice(0, 12)} key-release-policy by alice`,
      )
    },
  )

  it('see what a policy newly admits before they vote', async () => {
    await outcome(await propose('policy', ...table.writePolicy()), 'bob')
    await outcome((await json<{ open: { id: string }[] }>('proposals')).open[0]!.id, 'alice')
    table.world.now += 10
    const id = await propose('policy', ...table.writePolicy('wider.json', 86_400))
    const { stdout } = await table.sotto(['vote', id, 'reject', '--key', 'carol.key', '--yes'])
    expect(stdout).toContain('1 newly admitted, 0 newly refused, 0 without effect\n')
    expect(stdout).toContain('voted: 0 of 2 accepted, 1 rejected\n')
  })

  it('are asked before they sign, and a script has to say --yes', async () => {
    const id = await propose('policy', ...table.writePolicy())
    const votes = (): number => table.sent.filter((line) => line === 'POST /v1/ballots').length
    const script = await table.sotto(['vote', id, 'accept', '--key', 'bob.key'])
    expect([script.code, votes()]).toEqual([2, 0])
    const terminal = { stdinTerminal: true, stderrTerminal: true }
    const no = await table.sotto(['vote', id, 'accept', '--key', 'bob.key'], { ...terminal, stdin: ['n\n'] })
    expect([no.code, votes()]).toEqual([1, 0])
    expect(no.stderr).toContain('accept it as bob? [y/N] ')
    const yes = await table.sotto(['vote', id, 'accept', '--key', 'bob.key'], { ...terminal, stdin: ['y\n'] })
    expect([yes.code, votes()]).toEqual([0, 1])
  })

  it(claim('governance', 'any one of them holds, and together they resume'), async () => {
    const { hold } = await json<{ hold: string }>('hold', '--reason', 'image 1.4 leaks', '--key', 'carol.key')
    expect(table.world.kms.readiness()).toEqual({ ready: false, code: 'KMS_HELD' })
    expect((await table.sotto(['proposals'])).stdout).toContain(`held by carol: image 1.4 leaks (${hold})\n`)
    const id = await propose('resume')
    expect((await table.sotto(['proposals', id])).stdout).toContain(
      'ends the hold of carol: image 1.4 leaks\n',
    )
    await outcome(id, 'alice')
    expect(await outcome(id, 'bob')).toBe('accepted')
    expect(table.world.kms.readiness()).not.toMatchObject({ code: 'KMS_HELD' })
  })

  it('are told while nobody else could know of their hold, and where the KMS does not confirm it', async () => {
    const argv = ['hold', '--reason', 'x', '--key', 'carol.key']
    table.world.log.isDown = true
    const unlogged = await table.sotto([...argv, '--json'])
    expect(JSON.parse(unlogged.stdout)).toMatchObject({ logged: false })
    expect(unlogged.stderr).toContain('the log does not hold it yet')
    table.world.log.isDown = false
    const again = await table.sotto([...argv, '--json'])
    expect([JSON.parse(again.stdout), again.stderr]).toMatchObject([{ logged: true }, ''])
    table.tamper = (path, answer) =>
      path === '/v1/holds' ? answer.replace(/"holds":\[[^\]]*\]/, '"holds":[]') : answer
    const { code, stdout, stderr } = await table.sotto(argv)
    expect([code === 0, stdout]).toEqual([false, ''])
    expect(stderr).toContain('does not say that it stands [CLI_SERVICE]')
  })

  it('replace a member, whose key is worth nothing from then on', async () => {
    const newcomer = (await table.sotto(['keys', 'new', 'dave.key'])).stdout.trim()
    const members = table.world.inForce.members.filter(({ name }) => name !== 'carol')
    table.write('members.json', {
      members: [...members, { name: 'dave', key: newcomer }],
      majorities: { rotate: 2 },
    })
    const { stdout } = await table.sotto(['propose', 'constitution', 'members.json', '--key', 'carol.key'])
    expect(stdout).toContain(`+ member dave ${newcomer}\n`)
    expect(stdout).toContain('- member carol ')
    expect(stdout).toContain('= rotate: 2 of 3 instead of 1 of 3\n')
    const id = /proposed ([0-9a-f]{64})/.exec(stdout)![1]!
    await outcome(id, 'alice')
    expect(await outcome(id, 'bob')).toBe('accepted')
    expect((await table.sotto(['proposals'])).stdout).toMatch(/^constitution 1: alice, bob, dave\n/)
    const { code, stderr } = await table.sotto(['hold', '--reason', 'x', '--key', 'carol.key'])
    expect(code).toBe(5)
    expect(stderr).toContain('this key is not that of a member in force [CLI_REFUSED]')
    await json('hold', '--reason', 'x', '--key', 'dave.key')
  })

  it('say whose sealed models the KMS keeps keys of', async () => {
    const owner = (name: string, artifacts: number) => ({ name, key: KEYS[name]!, artifacts })
    table.write('owners.json', { owners: [owner('labs', 4), owner('studio', 8)] })
    const first = await table.sotto(['propose', 'owners', 'owners.json', '--key', 'alice.key'])
    expect(first.stdout).toContain(`+ owner labs ${KEYS['labs']}: 4 artifacts\n`)
    const id = /proposed ([0-9a-f]{64})/.exec(first.stdout)![1]!
    await outcome(id, 'alice')
    expect(await outcome(id, 'bob')).toBe('accepted')
    table.write('owners.json', { owners: [owner('labs', 6)] })
    const { stdout } = await table.sotto(['propose', 'owners', 'owners.json', '--key', 'alice.key'])
    expect(stdout).toContain('= owner labs: 6 artifacts instead of 4\n')
    expect(stdout).toContain(`- owner studio ${KEYS['studio']}\n`)
    table.write('owners.json', { owners: [owner('labs', 0)] })
    const { stderr } = await table.sotto(['propose', 'owners', 'owners.json', '--key', 'alice.key'])
    expect(stderr).toContain('does not say who the owners are [CLI_CONFIG]')
  })
})

describe('nothing is signed', () => {
  it(claim('T1', 'for another KMS than the policy pins'), async () => {
    const id = await propose('policy', ...table.writePolicy())
    table.write('other.json', table.trustPolicy({ genesis: '00'.repeat(32) }))
    table.sent.length = 0
    for (const argv of [
      ['vote', id, 'accept'],
      ['hold', '--reason', 'x'],
      ['propose', 'policy', ...table.writePolicy()],
    ]) {
      const { code, stderr } = await table.sotto([
        ...argv,
        '--key',
        'bob.key',
        '--policy',
        'other.json',
        '--yes',
      ])
      expect([code, stderr.includes('[CLI_REFUSED]')]).toEqual([5, true])
    }
    expect(table.sent.every((line) => line.startsWith('GET '))).toBe(true)
  })

  it('for a proposal that the KMS shows and no member made', async () => {
    const id = await propose('policy', ...table.writePolicy())
    table.world.now += 1
    const other = await propose('policy', ...table.writePolicy('other.json', 86_400))
    const { text } = await table.world.call(`/v1/proposals/${other}`)
    table.sent.length = 0
    for (const tamper of [
      () => text,
      (answer: string) => answer.replace(/"proposal":"[^"]+/, (token) => `${token.slice(0, -4)}AAAA`),
    ]) {
      table.tamper = (path, answer) => (path === `/v1/proposals/${id}` ? tamper(answer) : answer)
      const { code, stderr } = await table.sotto(['vote', id, 'accept', '--key', 'bob.key', '--yes'])
      expect([code, stderr.includes('[CLI_NOT_AUTHENTIC]')]).toEqual([3, true])
    }
    expect(table.sent.some((line) => line.startsWith('POST '))).toBe(false)
  })

  it('where the KMS claims other members than the genesis leads to', async () => {
    table.tamper = (path, answer) =>
      path === '/v1/proposals'
        ? answer.replace('"governance":[]', '"governance":[{"envelope":"{}","index":1}]')
        : answer
    const { code, stderr } = await table.sotto(['proposals'])
    expect([code, stderr.includes('[CLI_NOT_AUTHENTIC]')]).toEqual([3, true])
  })

  it('for a policy that is none, or admits what its file does not say', async () => {
    table.write('none.json', {
      anyOf: [{ ...table.world.tuple(), allOf: [{ family: 'software', roots: ['short'] }] }],
      evidenceMaxAgeSeconds: 1,
    })
    expect((await table.sotto(['propose', 'policy', 'none.json', '--key', 'alice.key'])).code).toBe(2)
    table.write('unreleased.json', { anyOf: [table.world.tuple()], evidenceMaxAgeSeconds: 1 })
    const { code, stderr } = await table.sotto(['propose', 'policy', 'unreleased.json', '--key', 'alice.key'])
    expect([code, stderr.includes('[KMS_POLICY_TUPLE]')]).toEqual([2, true])
  })

  it.each([
    [['vote', 'abc', 'accept', '--key', 'bob.key'], 'there is no such proposal'],
    [['vote', 'abc', 'maybe', '--key', 'bob.key'], 'a vote is accept or reject'],
    [['propose', 'rotate', '--key', 'bob.key'], 'this KMS has no request keys yet'],
    [['propose', 'resume', '--key', 'bob.key'], 'not exactly one hold is in force'],
    [['propose', 'rotate'], 'this KMS has no request keys yet'],
    [['hold', '--key', 'bob.key'], 'a hold needs a reason'],
    [['hold', '--reason', 'x'], 'no member key'],
    [['proposals', '--kms', ''], 'no KMS to talk to'],
    [['proposals', '--kms', 'kms.example'], 'not the address of a KMS'],
  ])('for sotto %j', async (argv, message) => {
    const { code, stdout, stderr } = await table.sotto(
      argv,
      argv.includes('--kms') ? { env: { SOTTO_KMS: '' } } : {},
    )
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain(message)
  })
})
