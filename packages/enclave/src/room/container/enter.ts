import type { Programs } from '../../sandbox/index.ts'

/** capset(2) by architecture, as Node names it; version 3 of its header has two sets of 32 capabilities. */
const CAPSET: Readonly<Record<string, number>> = { __proto__: null as never, x64: 126, arm64: 91 }
const CAPABILITY_VERSION = 0x20080522

/**
 * Becomes the job, in an interpreter that the system has anyway: an image need not have a shell, and what a contract puts
 * into the environment must not be there while a program of ours still has a capability, for some names tell a program what
 * to load. Its arguments are the root, the folder in it, and the uid to take, 0 for none; its standard input is what
 * {@link enterDocument} wrote. The folder is the image's to name, and may be a link of `/proc`: it is entered when there is
 * nothing any more that such a link leads to. It gives every capability away for good, takes back what it ignores
 * of signals, and closes every descriptor that whoever started the host left open.
 */
const PERL = `
use POSIX ();
my ($root, $folder, $uid, $capset) = @ARGV;
my @said = do { local $/; split /\\0/, <STDIN>, -1 };
pop @said;
my $count = shift @said;
my @command = splice @said, 0, $count;
chroot $root and chdir "/" or exit 1;
open STDIN, "<", "/dev/null" or exit 1;
opendir my $open, "/proc/self/fd" or exit 1;
my @open = grep { /^\\d+$/ and $_ > 2 } readdir $open;
closedir $open;
POSIX::close($_) for @open;
if ($uid) {
  $) = "$uid $uid";
  POSIX::setgid($uid) and POSIX::setuid($uid) or exit 1;
  exit 1 if POSIX::setuid(0);
}
my ($header, $none) = (pack("Ll", ${CAPABILITY_VERSION}, 0), "\\0" x 24);
syscall($capset, $header, $none) == 0 or exit 1;
chdir $folder or exit 1;
%ENV = map { split /=/, $_, 2 } @said;
$SIG{FPE} = "DEFAULT";
exec { $command[0] } @command or exit 1;
`

const PYTHON = `
import ctypes, os, signal, struct, sys, warnings
root, folder, uid = sys.argv[1], sys.argv[2], int(sys.argv[3])
said = sys.stdin.buffer.read().split(b"\\0")[:-1]
count = int(said[0])
command, variables = said[1:1 + count], dict(one.split(b"=", 1) for one in said[1 + count:])
libc = ctypes.CDLL(None)
os.chroot(root)
os.chdir("/")
null = os.open("/dev/null", os.O_RDONLY)
os.dup2(null, 0)
for name in os.listdir("/proc/self/fd"):
    if int(name) > 2:
        try: os.close(int(name))
        except OSError: pass
if uid:
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
header = ctypes.create_string_buffer(struct.pack("Ii", ${CAPABILITY_VERSION}, 0), 8)
if libc.capset(header, ctypes.create_string_buffer(24)) != 0: sys.exit(1)
os.chdir(folder)
for name in (signal.SIGPIPE, signal.SIGXFSZ): signal.signal(name, signal.SIG_DFL)
os.execvpe(command[0], command, variables)
`

/** Words of the command that becomes a job; undefined where neither interpreter is installed. */
export function enterImage(
  { perl, python }: Pick<Programs, 'perl' | 'python'>,
  { root, folder, uid }: { root: string; folder: string; uid: number },
): string[] | undefined {
  const capset = CAPSET[process.arch]
  if (perl !== undefined && capset !== undefined)
    return [perl, '-e', PERL, root, folder, `${uid}`, `${capset}`]
  if (python !== undefined) return [python, '-ISc', PYTHON, root, folder, `${uid}`]
  return undefined
}

/** What every job finds in its environment unless the contract says otherwise. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** What {@link enterImage} reads: the number of words, the words, and the variables, each ended by a NUL. */
export function enterDocument(
  command: readonly string[],
  environment: Readonly<Record<string, string>>,
): Uint8Array {
  const variables = Object.entries({ PATH, ...environment }).map(([name, value]) => `${name}=${value}`)
  return Buffer.from([`${command.length}`, ...command, ...variables].map((field) => `${field}\0`).join(''))
}
