import { describe, expect, it } from 'vitest'
import { judgeLook } from '../../src/app/sandbox/look.ts'

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
  'Seccomp:': '2',
}
const REST = ['interface lo:', 'keeps /tmp', 'runs node']
const judge = (change: Record<string, string> = {}, more: string[] = [], rest = REST) =>
  judgeLook(
    [...Object.entries({ ...SEEN, ...change }).map((pair) => pair.join(' ')), ...rest, ...more].join('\n'),
    OWN,
    0,
  )

describe('a look from inside', () => {
  it('finds the best there is', () => {
    expect(judge()).toEqual({ uid: 'own', sockets: 'filtered' })
  })

  it('says what is less than that, and may do', () => {
    expect(judge({ user: 'user:[2]' })).toMatchObject({ uid: 'shared' })
    expect(judge({ 'Uid:': '0' })).toMatchObject({ uid: 'shared' })
    expect(judge({ 'Seccomp:': '0' })).toMatchObject({ sockets: 'all' })
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
    ['another interface', {}, ['interface eth0:']],
    ['no loopback', {}, [], ['keeps /tmp', 'runs node']],
    ['sight of /home', {}, ['sees /home']],
    ['a file system to write to', {}, ['writes /usr']],
    ['the uid of root', {}, ['owns /dev/null']],
    ['settings of the kernel', {}, ['writes /proc/sys']],
    ['no /tmp', {}, [], ['interface lo:', 'runs node']],
    ['no Node', {}, [], ['interface lo:', 'keeps /tmp']],
  ])('refuses %s', (_, change, more, rest) => {
    expect(judge(change, more, rest)).toEqual(expect.any(String))
  })

  it('refuses an output that says nothing', () => {
    expect(judgeLook('', OWN, 0)).toEqual(expect.any(String))
  })
})
