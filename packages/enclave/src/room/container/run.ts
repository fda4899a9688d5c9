import type { ContainerTask } from '@sotto/protocol/contract'
import { type MemoryFile, writeMemoryFile } from '../inputs/memory-file.ts'
import type { ContainerEngine } from './engine.ts'
import { enterDocument } from './enter.ts'
import { containerError } from './errors.ts'
import { type JobInputs, roomOf, writeInputs } from './inputs.ts'
import { JobCapsule } from './job.ts'
import { readLayout } from './layout.ts'
import { SLACK_BYTES } from './limits.ts'
import { watchMemory } from './memory-watch.ts'
import { takeOutput } from './output.ts'

/** One run of a container. */
export interface ContainerRun {
  readonly task: ContainerTask
  /** The tar of its OCI layout: the descriptor of a file that nobody changes, or its bytes as they come. */
  readonly image: number | AsyncIterable<Uint8Array>
  readonly inputs: JobInputs
  /** Of `/out/result`. */
  readonly maxOutputBytes: number
  readonly signal?: AbortSignal | undefined
}

/** Unpacking the largest image takes a minute or two. */
const UNPACK_MS = 300_000

/**
 * Runs the command of a contract in its image, and returns the one file that it leaves.
 *
 * The job has the image as its root, which nobody can write, its inputs in `/in`, and `/out` and `/tmp` to write. It is a
 * uid that owns nothing else, without a capability and without a way to one, in namespaces of its own without a network;
 * what it prints goes nowhere. Its environment is the contract's, with a `PATH` where that names none; of the image's
 * configuration only the working directory counts.
 *
 * What holds its memory: the kernel holds each of its processes to `limits.memoryBytes` of private memory, at least 64 MiB
 * (RLIMIT_DATA), and all of them to a number (RLIMIT_NPROC); `/tmp`, `/out` and the inputs have sizes; all of it together is
 * looked at twenty times a second (`memory-watch.ts`), and too much ends it. What a look does not see is left to the
 * kernel, which ends the job before anything else when memory runs out.
 *
 * Nothing of it is left when this returns or throws, whatever happened, nor when this process dies.
 *
 * @throws `ROOM_CONTAINER_*`; `ENGINE_PROGRAM_CHANGED`; what an input's content throws
 */
export async function runContainer(engine: ContainerEngine, run: ContainerRun): Promise<Uint8Array> {
  const { task, signal } = run
  const stopped = new AbortController()
  const onAbort = (): void => stopped.abort(containerError('ROOM_CONTAINER_CANCELLED'))
  signal?.addEventListener('abort', onAbort, { once: true })
  if (signal?.aborted) onAbort()
  let held: MemoryFile | undefined
  try {
    stopped.signal.throwIfAborted()
    held = typeof run.image === 'number' ? undefined : await hold(run.image, stopped.signal)
    const fd = held?.fd ?? (run.image as number)
    const image = await readLayout(fd, { manifest: task.manifest, signal: stopped.signal })
    const { uids, giveBack } = engine.takeUids()
    try {
      const words = engine.commandOf({
        uids,
        plan: { ...image, maxBytes: engine.maxImageBytes },
        memoryBytes: task.limits.memoryBytes,
        inputs: roomOf(run.inputs, engine.maxInputBytes),
        outputBytes: run.maxOutputBytes + SLACK_BYTES,
      })
      await engine.program.verify()
      return await runJob(JobCapsule.start(words, fd), engine, run, stopped.signal)
    } finally {
      giveBack()
    }
  } finally {
    held?.close()
    signal?.removeEventListener('abort', onAbort)
  }
}

async function runJob(
  job: JobCapsule,
  engine: ContainerEngine,
  { task, inputs, maxOutputBytes }: ContainerRun,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { seconds, memoryBytes } = task.limits
  const onAbort = (): void => job.end(signal.reason as Error)
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  let timer = setTimeout(
    () => job.end(containerError('ROOM_CONTAINER_START', { found: 'it takes too long' })),
    UNPACK_MS,
  )
  let stopWatching: (() => void) | undefined
  try {
    await job.unpacked()
    clearTimeout(timer)
    await fill(job, inputs, signal)
    await engine.program.verify()
    timer = setTimeout(
      () => job.end(containerError('ROOM_CONTAINER_TIMEOUT', { expected: `at most ${seconds} s` })),
      seconds * 1000,
    )
    stopWatching = watchMemory(job.root, memoryBytes, () =>
      job.end(containerError('ROOM_CONTAINER_MEMORY', { expected: `at most ${memoryBytes} bytes` })),
    )
    job.begin(enterDocument(task.command, task.env))
    await job.finished()
    stopWatching()
    return await takeOutput(`${job.root}/root/out`, maxOutputBytes)
  } catch (error) {
    throw job.failure ?? error
  } finally {
    clearTimeout(timer)
    stopWatching?.()
    signal.removeEventListener('abort', onAbort)
    await job.close()
  }
}

async function fill(job: JobCapsule, inputs: JobInputs, signal: AbortSignal): Promise<void> {
  try {
    await orAborted(writeInputs(`${job.root}/root/in`, inputs, signal), signal)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOSPC') throw cause
    throw containerError('ROOM_CONTAINER_START', {
      found: 'more bytes of inputs than there is room for',
      cause,
    })
  }
}

/** The image in memory. What is still on its way when this is cancelled is closed when it has come. */
async function hold(image: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<MemoryFile> {
  const writing = writeMemoryFile(until(image, signal))
  return orAborted(writing, signal).catch((error: unknown) => {
    writing.then((file) => file.close()).catch(() => undefined)
    throw error
  })
}

async function* until(content: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const piece of content) {
    signal.throwIfAborted()
    yield piece
  }
}

/** Whoever sends content may be silent for as long as they like: nobody who cancels waits for them. */
async function orAborted<T>(waiting: Promise<T>, signal: AbortSignal): Promise<T> {
  const stop = new AbortController()
  try {
    return await Promise.race([
      waiting,
      new Promise<never>((_, reject) => {
        const onAbort = (): void => reject(signal.reason as Error)
        signal.addEventListener('abort', onAbort, { signal: stop.signal })
        if (signal.aborted) onAbort()
      }),
    ])
  } finally {
    stop.abort()
    waiting.catch(() => undefined)
  }
}
