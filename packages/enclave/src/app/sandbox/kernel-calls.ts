import type { Programs } from '../../sandbox/index.ts'
import type { SystemCallFilter } from './system-calls.ts'

/** An interpreter that the system has anyway, to ask the kernel for what no small program asks it for. */
type Interpreters = Pick<Programs, 'ip' | 'perl' | 'python'>

/** `SIOCGIFFLAGS`, `SIOCSIFFLAGS`; `IFF_UP | IFF_RUNNING`. */
const GET_FLAGS = 0x8913
const SET_FLAGS = 0x8914
const UP = 0x41
/** `PR_SET_SECCOMP`, `SECCOMP_MODE_FILTER`. */
const SET_SECCOMP = 22
const MODE_FILTER = 2

/** Words of a command that brings up the loopback interface of its network namespace; undefined where nothing here can. */
export function loopbackUp({ ip, perl, python }: Interpreters): string[] | undefined {
  if (ip !== undefined) return [ip, 'link', 'set', 'lo', 'up']
  if (perl !== undefined)
    return [
      perl,
      '-e',
      `socket(my $s, 2, 2, 0) or die; my $r = pack("a16sx22", "lo", 0); ioctl($s, ${GET_FLAGS}, $r) or die; ` +
        `my (undef, $f) = unpack("a16s", $r); ioctl($s, ${SET_FLAGS}, pack("a16sx22", "lo", $f | ${UP})) or die`,
    ]
  if (python !== undefined)
    return [
      python,
      '-ISc',
      'import fcntl, socket, struct\ns = socket.socket(2, 2)\n' +
        `r = fcntl.ioctl(s, ${GET_FLAGS}, struct.pack("16sh22x", b"lo", 0))\n` +
        `fcntl.ioctl(s, ${SET_FLAGS}, struct.pack("16sh22x", b"lo", struct.unpack("16sh", r[:18])[1] | ${UP}))`,
    ]
  return undefined
}

/** Words to put before a command that the filter is to hold for. The process must have no_new_privs by then. */
export function withFilter(
  { program, prctl }: SystemCallFilter,
  { perl, python }: Interpreters,
): string[] | undefined {
  if (perl !== undefined)
    return [
      perl,
      '-e',
      'my $p = pack("H*", shift); my $f = pack("Sx6P", length($p) / 8, $p); ' +
        `syscall(${prctl}, ${SET_SECCOMP}, ${MODE_FILTER}, $f) == 0 or die; exec { $ARGV[0] } @ARGV or die`,
      program,
    ]
  if (python !== undefined)
    return [
      python,
      '-ISc',
      'import ctypes, os, struct, sys\np = bytes.fromhex(sys.argv[1])\nb = ctypes.create_string_buffer(p, len(p))\n' +
        'f = ctypes.create_string_buffer(struct.pack("H6xQ", len(p) // 8, ctypes.addressof(b)))\n' +
        `if ctypes.CDLL(None).prctl(${SET_SECCOMP}, ${MODE_FILTER}, f, 0, 0) != 0: sys.exit(1)\n` +
        'os.execv(sys.argv[2], sys.argv[2:])',
      program,
    ]
  return undefined
}
