import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { judgeLook, lookScript } from '../../src/app/sandbox/look.ts'

const OWN = (name: string): string => `${name}:[1]`
const SEEN: Readonly<Record<string, string>> = {
  net: 'net:[2]',
  pid: 'pid:[2]',
  mnt: 'mnt:[2]',
  ipc: 'ipc:[2]',
  user: 'user:[1]',
  'Uid:': '64001',
  'CapInh:': '0000000000000000',
  'CapPrm:': '0000000000000000',
  'CapEff:': '0000000000000000',
  'CapAmb:': '0000000000000000',
  'NoNewPrivs:': '1',
  oom: '900',
}
const REST = ['up lo', 'keeps /tmp', 'runs node', 'refuses sockets']
const judge = (change: Record<string, string> = {}, more: string[] = [], rest = REST) =>
  judgeLook(
    [...Object.entries({ ...SEEN, ...change }).map((pair) => pair.join(' ')), ...rest, ...more].join('\n'),
    OWN,
    0,
  )

describe('a look from inside', () => {
  it('finds the best there is', () => {
    expect(judge()).toEqual({ uid: 'own', sockets: 'filtered', memory: 'first' })
  })

  it('says what is less than that, and may do', () => {
    expect(judge({ user: 'user:[2]' })).toMatchObject({ uid: 'shared' })
    expect(judge({ 'Uid:': '0' })).toMatchObject({ uid: 'shared' })
    expect(judge({}, [], ['up lo', 'keeps /tmp', 'runs node'])).toMatchObject({ sockets: 'all' })
    // Of whoever filters the whole machine: it says nothing about sockets.
    expect(judge({ 'Seccomp:': '2' }, [], ['up lo', 'keeps /tmp', 'runs node'])).toMatchObject({
      sockets: 'all',
    })
    expect(judge({ oom: '0' })).toMatchObject({ memory: 'any' })
    expect(judge({ oom: '' })).toMatchObject({ memory: 'any' })
  })

  it.each<[string, Record<string, string>, string[]?, string[]?]>([
    ['the network of the machine', { net: 'net:[1]' }],
    ['the processes of the machine', { pid: 'pid:[1]' }],
    ['the mounts of the machine', { mnt: 'mnt:[1]' }],
    ['the IPC of the machine', { ipc: 'ipc:[1]' }],
    ['a namespace that cannot be seen', { net: '' }],
    ['a capability', { 'CapEff:': '0000000000000400' }],
    ['a capability it may pass on', { 'CapInh:': '0000000000000001' }],
    ['a way to privileges', { 'NoNewPrivs:': '0' }],
    ['another interface', {}, ['up eth0']],
    ['no loopback', {}, [], ['keeps /tmp', 'runs node']],
    ['sight of /home', {}, ['sees /home']],
    ['a file system to write to', {}, ['writes /usr']],
    ['the uid of root', {}, ['owns /dev/null']],
    ['settings of the kernel', {}, ['writes /proc/sys']],
    ['no /tmp', {}, [], ['up lo', 'runs node']],
    ['no Node', {}, [], ['up lo', 'keeps /tmp']],
  ])('refuses %s', (_, change, more, rest) => {
    expect(judge(change, more, rest)).toEqual(expect.any(String))
  })

  it('names the interface that it finds', () => {
    expect(judge({}, ['up eth0'])).toBe('it has another interface than loopback: eth0')
  })

  it('refuses an output that says nothing', () => {
    expect(judgeLook('', OWN, 0)).toEqual(expect.any(String))
  })
})

describe('the interfaces that are found', () => {
  /** What the script prints of a network namespace that somebody has set up. */
  function upIn(setup: string): string[] | undefined {
    const script = `${setup} || exit 77; ${lookScript([])}`
    const { stdout, status } = spawnSync('unshare', ['--net', '/bin/sh', '-c', script], { encoding: 'utf8' })
    const lines = stdout?.split('\n').filter((line) => line.startsWith('up ')) ?? []
    return status === 0 ? [...new Set(lines)] : undefined
  }

  it('are those that are up: tunnels that the kernel puts everywhere are down', (context) => {
    const PAIR = 'ip link set lo up && ip link add veth0 type veth peer name veth1'
    const down = upIn(PAIR)
    if (down === undefined) context.skip('no interfaces can be made here')
    expect(down).toEqual(['up lo'])
    expect(upIn('true')).toEqual([])
    expect(upIn(`${PAIR} && ip link set veth0 up`)).toContain('up veth0')
  })
})
