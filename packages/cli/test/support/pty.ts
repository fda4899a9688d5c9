import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { expect, vi } from 'vitest'

/** A program at a terminal of its own. */
export interface Pty {
  /** All that showed so far, as the terminal got it. */
  text(): string
  type(keys: string): void
  /** Waits until this shows, after everything that was waited for before. */
  shows(what: string | RegExp): Promise<string>
  /** Its exit code, once it has ended. */
  ended: Promise<number | null>
  kill(): void
}

const SIZE = { columns: 100, rows: 30 }

/** Node has no pseudo terminals. Both pass what they are given to the terminal, and print what it shows. */
const PYTHON = `
import fcntl, os, pty, select, struct, sys, termios
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', ${SIZE.rows}, ${SIZE.columns}, 0, 0))
    os.execvp(sys.argv[1], sys.argv[1:])
read = [terminal, 0]
while terminal in read:
    for fd in select.select(read, [], [])[0]:
        try:
            data = os.read(fd, 65536)
        except OSError:
            data = b''
        if not data:
            read.remove(fd)
        else:
            os.write(1 if fd == terminal else terminal, data)
status = os.waitpid(pid, 0)[1]
sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
`
const HELPERS: readonly (readonly [command: string, args: (command: readonly string[]) => string[]])[] = [
  ['python3', (command) => ['-c', PYTHON, ...command]],
  [
    'script',
    (command) => ['-qec', command.map((part) => `'${part.replaceAll("'", `'\\''`)}'`).join(' '), '/dev/null'],
  ],
]

/** A helper of this machine that gives a program a terminal; undefined where there is none, said on standard error. */
export const ptyHelper: (typeof HELPERS)[number] | undefined = HELPERS.find(
  ([command, args]) => spawnSync(command, args(['true']), { stdio: 'ignore', timeout: 20_000 }).status === 0,
)
if (ptyHelper === undefined)
  process.stderr.write('skipped: a real terminal: neither python3 with pty nor script (util-linux) is here\n')

/** Starts a program. Only where there is a {@link ptyHelper}. */
export function openPty(
  command: readonly string[],
  options: { cwd: string; env: Record<string, string | undefined> },
): Pty {
  const [helper, args] = ptyHelper!
  const child: ChildProcessWithoutNullStreams = spawn(helper, args(command), options)
  let text = ''
  let seen = 0
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8')
    stream.on('data', (part: string) => void (text += part))
  }
  return {
    text: () => text,
    type: (keys) => void child.stdin.write(keys),
    async shows(what) {
      const find = (): RegExpExecArray | null =>
        (typeof what === 'string' ? literally(what) : what).exec(text.slice(seen))
      await vi
        .waitFor(() => expect(find()).not.toBeNull(), { timeout: 20_000, interval: 20 })
        .catch(() =>
          expect.fail(`the terminal never showed ${what} after ${JSON.stringify(text.slice(seen))}`),
        )
      const { index, 0: found } = find()!
      const before = text.slice(seen, seen + index + found.length)
      seen += index + found.length
      return before
    },
    ended: once(child, 'exit').then(([code]) => code as number | null),
    kill: () => void child.kill('SIGKILL'),
  }
}

/** A pattern of exactly this text. */
function literally(text: string): RegExp {
  return new RegExp(text.replaceAll(/[^\w\s]/g, String.raw`\$&`))
}
