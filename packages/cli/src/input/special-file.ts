import { close, constants, createReadStream, open as openCallback, type Stats } from 'node:fs'
import { Socket } from 'node:net'
import { isatty } from 'node:tty'
import { promisify } from 'node:util'
import { cliError } from '../errors.ts'

const open = promisify(openCallback)

/**
 * Opens what is no ordinary file: a named pipe, a process substitution, a device, a file of the kernel.
 * @returns its bytes as they come
 * @throws `CLI_STDIN` for a terminal; errors of the file system, for sockets too
 */
export async function openSpecialFile(
  path: string,
  found: Stats,
  signal: AbortSignal,
): Promise<AsyncIterator<Buffer>> {
  // A pipe without a writer must not block one of the threads that file work shares: such a thread can
  // neither be interrupted nor waited for.
  const pipe = found.isFIFO()
  const fd = await open(path, pipe ? constants.O_RDONLY | constants.O_NONBLOCK : constants.O_RDONLY)
  if (isatty(fd)) {
    await promisify(close)(fd)
    throw cliError('CLI_STDIN', `${path} is a terminal`, {
      hint: 'pipe data into the command, or name a file',
    })
  }
  const stream = pipe
    ? new Socket({ fd, readable: true, writable: false, signal })
    : createReadStream('', { fd, signal })
  return stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>
}
