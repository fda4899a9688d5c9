import { stat } from 'node:fs/promises'

/** Looks after files that others replace. */
export interface FileWatch {
  /** Loads now what has changed, and what could not be loaded the last time; `isForced`: also what has not. */
  look(isForced?: boolean): Promise<void>
  end(): void
}

/** Files that are loaded together, as a certificate and its key are. */
export interface WatchedFiles {
  paths: readonly string[]
  /** Takes over what they say now. What it throws changes nothing: it is tried again at the next look. */
  load(): Promise<void>
  /** Told how a load went: the failure, or nothing. */
  onLoaded(failure?: unknown): void
}

/**
 * Looks at files every `periodMs`. Times and inodes are compared, through links: clusters replace mounted files by
 * turning a link, which no notification of the system tells of everywhere.
 */
export async function watchFiles(groups: readonly WatchedFiles[], periodMs: number): Promise<FileWatch> {
  const loaded = await Promise.all(groups.map(({ paths }) => stampOf(paths)))
  let running: Promise<void> = Promise.resolve()

  async function lookAt(group: WatchedFiles, index: number, isForced: boolean): Promise<void> {
    const stamp = await stampOf(group.paths)
    if (stamp === loaded[index] && !isForced) return
    try {
      await group.load()
      // Of before the load: what was replaced meanwhile is loaded again.
      loaded[index] = stamp
      group.onLoaded()
    } catch (error) {
      // Told once for each state of the files, and tried again at each look.
      if (failed[index] !== stamp || isForced) group.onLoaded(error)
      failed[index] = stamp
    }
  }
  const failed: (string | undefined)[] = groups.map(() => undefined)
  function look(isForced = false): Promise<void> {
    running = running.then(async () => {
      for (const [index, group] of groups.entries()) await lookAt(group, index, isForced)
    })
    return running
  }
  const timer = setInterval(() => void look(), periodMs)
  timer.unref()
  return { look, end: () => clearInterval(timer) }
}

async function stampOf(paths: readonly string[]): Promise<string> {
  const stamps = await Promise.all(
    paths.map((path) =>
      stat(path, { bigint: true }).then(
        ({ dev, ino, size, mtimeNs, ctimeNs }) => [dev, ino, size, mtimeNs, ctimeNs].join(' '),
        (error: NodeJS.ErrnoException) => error.code ?? 'gone',
      ),
    ),
  )
  return stamps.join('\n')
}
