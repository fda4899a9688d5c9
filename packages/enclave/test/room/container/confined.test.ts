import { createServer, type Server } from 'node:net'
import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { claim } from '../../../../../test/claims.ts'
import { hostRun, isReadByOrdinaryUser } from './hosted.ts'
import { perl, SAY, whyNoContainer } from './real-image.ts'

const isRoot = process.getuid?.() === 0
const CHECKOUT = resolve(import.meta.dirname, '../../../../..')
const canBeOrdinary = isRoot && isReadByOrdinaryUser(CHECKOUT)
if (!isRoot) process.stderr.write('skipped: not root, so no job gets a uid of its own here\n')
else if (!canBeOrdinary)
  process.stderr.write(
    'skipped: only root reads this checkout, so no ordinary user runs a container from it\n',
  )

/** Numbers of unshare, mount, chroot, ptrace, io_uring_setup, keyctl and bpf (`asm/unistd.h`). */
const CALLS = process.arch === 'x64' ? [272, 165, 161, 101, 425, 250, 321] : [97, 40, 51, 117, 425, 219, 280]

/** What a job sees and can do, one `name value` a line. */
const look = (port: number, hostPid: number): string => `${SAY}
sub tells { my ($name, $value) = @_; $value =~ s/\\n/|/g; print "$name $value\\n" }
sub slurp { my ($path) = @_; open(my $f, "<", $path) or return "none"; local $/; my $text = <$f>; defined $text ? $text : "" }
sub names { my ($path) = @_; opendir(my $d, $path) or return "none"; join ",", sort grep !/^\\.\\.?$/, readdir $d }
sub tries { $_[0] ? "yes" : "no" }
tells("uid", join ",", $<, $>, $(+0, $)+0);
for (split /\\n/, slurp("/proc/self/status")) { tells("status:$1", $2) if /^(Cap\\w+|NoNewPrivs|Seccomp|NSpid):\\s*(.*)/ }
tells("environment", join ",", map "$_=$ENV{$_}", sort keys %ENV);
tells("root", names("/"));
tells("processes", join ",", grep /^\\d+$/, split /,/, names("/proc"));
tells("interfaces", join ",", map { /^\\s*(\\w+):\\s*(\\d+)/ ? "$1=$2" : () } split /\\n/, slurp("/proc/net/dev"));
tells("routes", slurp("/proc/net/route") =~ tr/\\n// - 1);
tells("addresses", slurp("/proc/net/if_inet6"));
socket(my $s, 2, 1, 0); tells("connects", tries(connect($s, pack("SnC4x8", 2, ${port}, 127, 0, 0, 1))));
socket(my $o, 2, 1, 0); tells("beyond", tries(connect($o, pack("SnC4x8", 2, 53, 192, 0, 2, 1))));
tells("family$_", tries(socket(my $v, $_, 1, 0))) for 17, 38, 40, 44;
tells("writes$_", tries(open(my $f, ">", $_))) for "/in/a", "/in/x", "/x", "/usr/x", "/bin/sh", "/dev/x", "/proc/sys/kernel/core_pattern";
tells("chmods", tries(chmod 0777, "/in/a"));
tells("removes", tries(unlink "/in/a"));
tells("keeps$_", tries(open(my $f, ">", "$_/x"))) for "/tmp", "/out", "/dev/shm";
tells("kills", tries(kill 0, ${hostPid}));
tells("call$_", syscall($_, 0x10000000, 0, 0, 0, 0)) for ${CALLS.join(', ')};
tells("core", slurp("/proc/self/limits") =~ /core file size +(\\d+) +(\\d+)/ ? "$1,$2" : "");
tells("processlimit", slurp("/proc/self/limits") =~ /processes +(\\d+) +(\\d+)/ ? "$1,$2" : "");
tells("fd$_", readlink "/proc/self/fd/$_") for 0, 1, 2;
tells("fds", join ",", map { readlink "/proc/self/fd/$_" } grep $_ > 2, split /,/, names("/proc/self/fd"));
tells("reads", slurp("/in/a"));
tells("sees$_", tries(-e $_)) for "/image", "/node", "/old", "/root", "/etc", "/home", "/var", "/srv", "${CHECKOUT}", "/proc/1/root/image";
`

describe
  .skipIf((await whyNoContainer()) !== undefined)
  .each([
    ...(isRoot ? [{ name: 'of root', as: 'same', uid: 'own' } as const] : []),
    ...(!isRoot || canBeOrdinary
      ? [{ name: 'of an ordinary user', as: isRoot ? 'ordinary-user' : 'same', uid: 'shared' } as const]
      : []),
  ])(claim('rooms.code', 'a container $name'), ({ as, uid }) => {
  const seen = new Map<string, string>()
  let report: { uid: string; sockets: string; full: boolean }
  let server: Server
  let reached = 0

  beforeAll(async () => {
    server = createServer((socket) => {
      reached++
      socket.destroy()
    })
    await new Promise<void>((done) => server.listen(0, '0.0.0.0', done))
    const { port } = server.address() as { port: number }
    const printed = await hostRun(perl(look(port, process.pid)), as).printed()
    const [first, ...lines] = printed.trimEnd().split('\n')
    report = JSON.parse(first!) as typeof report
    for (const line of lines) {
      const at = line.indexOf(' ')
      seen.set(line.slice(0, at), line.slice(at + 1))
    }
  }, 30_000)
  afterAll(() => void server.close())

  const of = (...names: string[]): (string | undefined)[] => names.map((name) => seen.get(name))

  it('is confined as the report says', () => {
    expect(report).toMatchObject({ uid, sockets: 'filtered', full: uid === 'own' })
    const [real, effective, group, effectiveGroup] = seen.get('uid')!.split(',').map(Number)
    expect(real).toBeGreaterThanOrEqual(64_000)
    expect([effective, group, effectiveGroup]).toEqual([real, real, real])
  })

  it('has no capability, and gets no privilege', () => {
    expect(of('status:CapInh', 'status:CapPrm', 'status:CapEff', 'status:CapAmb')).toEqual(
      Array(4).fill('0000000000000000'),
    )
    expect(of('status:NoNewPrivs', 'status:Seccomp')).toEqual(['1', '2'])
    expect(CALLS.map((call) => seen.get(`call${call}`))).toEqual(CALLS.map(() => '-1'))
  })

  it('has no interface that is up, no address and no route, and reaches nobody', () => {
    for (const one of seen.get('interfaces')!.split(',')) expect(one).toMatch(/=0$/)
    expect(of('routes', 'addresses')).toEqual([expect.stringMatching(/^(?:0|-1)$/), ''])
    expect(of('connects', 'beyond')).toEqual(['no', 'no'])
    expect(of('family17', 'family38', 'family40', 'family44')).toEqual(Array(4).fill('no'))
    expect(reached).toBe(0)
  })

  it('sees its own processes, and none of this machine', () => {
    expect(seen.get('processes')).toBe('1')
    expect(of('kills')).toEqual(['no'])
  })

  it('sees its image, its inputs, and no other file of this machine', () => {
    expect(seen.get('root')!.split(',')).toEqual(
      [...new Set(['bin', 'dev', 'in', 'lib', 'lib64', 'out', 'proc', 'sys', 'tmp', 'usr'])].filter((name) =>
        seen.get('root')!.split(',').includes(name),
      ),
    )
    const looked = [...seen].filter(([name]) => name.startsWith('sees'))
    expect(looked).toHaveLength(10)
    expect(looked.filter(([, is]) => is !== 'no')).toEqual([])
  })

  it('reads its inputs and changes nothing of them, nor of its image', () => {
    expect(seen.get('reads')).toBe('secret')
    const tried = [...seen].filter(([name]) => /^(?:writes|chmods|removes)/.test(name))
    expect(tried).toHaveLength(9)
    expect(tried.filter(([, is]) => is !== 'no')).toEqual([])
    expect(of('keeps/tmp', 'keeps/out', 'keeps/dev/shm')).toEqual(['yes', 'yes', 'yes'])
  })

  it('has the environment of the contract and a PATH, and nothing of its host', () => {
    expect(seen.get('environment')).toBe('PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin')
  })

  it('leaves no core, prints to nobody, and holds no descriptor of ours', () => {
    expect(of('core', 'processlimit')).toEqual(['0,0', '512,512'])
    // It opened its standard output itself.
    expect(of('fd0', 'fd1', 'fd2')).toEqual(['/dev/null', '/out/result', '/dev/null'])
    expect(
      seen
        .get('fds')!
        .split(',')
        // Those are its own.
        .filter((link) => !/^(?:|\/proc\/1\/fd|socket:\[\d+\])$/.test(link)),
    ).toEqual([])
  })
})
