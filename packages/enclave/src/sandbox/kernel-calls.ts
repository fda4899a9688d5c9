import type { Programs } from './programs.ts'
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
/**
 * Calls by which our filter (`system-calls.ts`) is known: AF_PACKET and AF_VSOCK, which without it need a capability or
 * are there, and io_uring_setup(2); EAFNOSUPPORT and EPERM.
 */
const REFUSED_FAMILIES = '17, 40'
const REFUSED_CALL = 425
const NO_FAMILY = 97
const NOT_PERMITTED = 1
/** What {@link tryRefused} prints where all of them were refused as our filter refuses them. */
export const REFUSES_SOCKETS = 'refuses sockets'

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

/** Words of a command that tries what the filter refuses, with what {@link withFilter} installs it with. */
export function tryRefused({ perl, python }: Interpreters): string[] {
  if (perl !== undefined)
    return [
      perl,
      '-e',
      `for (${REFUSED_FAMILIES}) { exit if socket(my $s, $_, 1, 0) or $! + 0 != ${NO_FAMILY} } ` +
        `exit if syscall(${REFUSED_CALL}, 0, 0) != -1 or $! + 0 != ${NOT_PERMITTED}; print "${REFUSES_SOCKETS}\\n"`,
    ]
  if (python !== undefined)
    return [
      python,
      '-ISc',
      'import ctypes\nc = ctypes.CDLL(None, use_errno=True)\n' +
        'refused = lambda result, code: result == -1 and ctypes.get_errno() == code\n' +
        `if all(refused(c.socket(f, 1, 0), ${NO_FAMILY}) for f in (${REFUSED_FAMILIES})) and ` +
        `refused(c.syscall(${REFUSED_CALL}, 0, 0), ${NOT_PERMITTED}): print("${REFUSES_SOCKETS}")`,
    ]
  return []
}
