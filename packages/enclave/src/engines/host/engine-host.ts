import { realpathSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { pathToFileURL } from 'node:url'
import { ENGINE_UIDS, makeEmptyDirectory, UidRange } from '../../sandbox/index.ts'
import { DEFAULT_MAX_ITEM_BYTES } from '../channel/index.ts'
import { engineError } from '../errors.ts'
import { modelDigest } from '../manifest.ts'
import type { ModelManifest } from '../types.ts'
import { FIRST_FILE_DESCRIPTOR } from './child.ts'
import { EngineProcess } from './engine-process.ts'
import { defaultMemoryBytes, withMemoryLimit } from './memory-limit.ts'
import type { EngineProgram } from './program.ts'
import { type EmptyRamFile, type ModelBytes, openRamFile, type RamFile } from './ram-file.ts'
import { probeSandbox, type Sandbox, type SandboxReport } from './sandbox.ts'
import { openServerProgram, type ServerProgram, type ServerProgramOptions } from './server-program.ts'
import { Supervisor } from './supervisor.ts'

/** Options of an {@link EngineHost}. */
export interface EngineHostOptions {
  /** File every engine process runs: the bundle `engine.js`, or `worker/main.ts` in development. */
  readonly entry: string
  /** The measured files that `entry` and Node are two of. Absent only in development, where nothing is measured. */
  readonly program?: EngineProgram
  /** Runs GGUF models in this llama-server, inside the same sandbox. Absent: in the engine process itself. */
  readonly llamaServer?: ServerProgramOptions
  /** Told when an engine is given up after its first start, and why. */
  readonly onFailed?: (reason: Error) => void
  /**
   * `full` refuses to start anything when this machine cannot give an engine its own uid, no network and
   * no_new_privs. `best-effort` takes what there is and says so in the report; only for software-TEE roles.
   */
  readonly require: 'full' | 'best-effort'
  /** Node binary. Default: the one that runs this. */
  readonly execPath?: string
  /** A mounted tmpfs for the weights. Default `/dev/shm`. */
  readonly ramDirectory?: string
  /** See {@link ProbeOptions.hostUid}. */
  readonly hostUid?: number
}

/** One engine to start. */
export interface EngineSpec {
  readonly manifest: ModelManifest
  /** Content by file name; exactly the files of the manifest. */
  readonly files: ReadonlyMap<string, ModelBytes>
  /** Compute threads. Default: cores - 1, at least 1, because the Node thread of the engine needs one too; with a llama-server all cores. */
  readonly threads?: number
  /** Default 4096; text engines cap at what the model was trained for. */
  readonly contextTokens?: number
  /** Calls wanted at once. Default 4; the engine may allow fewer. */
  readonly concurrency?: number
  /** Calls that may wait. Default 32. */
  readonly maxWaiting?: number
  /** Default 60 000 ms. */
  readonly maxWaitMs?: number
  /** Default 120 000 ms. */
  readonly loadTimeoutMs?: number
  /** Longest silence of the engine when it is its turn. Default 120 000 ms. */
  readonly idleTimeoutMs?: number
  /** Default 250 ms. */
  readonly cancelGraceMs?: number
  /** Wait before the second restart in a row, doubling up to 30 s. Default 100 ms. */
  readonly restartBackoffMs?: number
  /** Bytes of one tensor message at most. Default 64 MiB. */
  readonly maxItemBytes?: number
  /** Private memory of the engine at most. Default for engines that run graphs: 2 GiB and four times the files. */
  readonly memoryBytes?: number
}

/** Where another program of the image runs, apart from everything else as an engine is. */
export interface SandboxPlace {
  readonly execPath: string
  /** Words before `execPath`. */
  readonly prefix: readonly string[]
  /** Words after it: what confines modules to the image. */
  readonly flags: readonly string[]
  readonly emptyDirectory: string
  /** Once the program has ended. */
  giveBack(): void
}

/** Starts and ends engine processes. One per enclave process. */
export class EngineHost {
  private readonly options: EngineHostOptions
  private readonly sandboxed: Sandbox
  private readonly directory: string
  private readonly uids: UidRange
  private readonly engines = new Set<EngineProcess>()
  private readonly server: ServerProgram | undefined

  /** Calls that wait for a slot, of all engines together. */
  get waiting(): number {
    return [...this.engines].reduce((sum, { counters }) => sum + counters.waiting, 0)
  }

  /**
   * Probes the sandbox of this machine.
   * @throws `ENGINE_SANDBOX` when `require` is `full` and it is not, `ENGINE_PROGRAM_CHANGED` when Node or the entry
   * are not files of `program`
   */
  static async open(options: EngineHostOptions): Promise<EngineHost> {
    const directory = makeEmptyDirectory()
    const uids = new UidRange(ENGINE_UIDS, () =>
      engineError('ENGINE_BUSY', 'no uid is left for another engine'),
    )
    const entry = realpathSync(options.entry)
    const { program, execPath = process.execPath } = options
    requireCovered(program, [entry, execPath, ...(program ? [program.preload] : [])])
    // Read ahead, while the keys are asked for: the first engine waits for the rest of it and reports what is wrong.
    program?.verify().catch(() => undefined)
    const server = options.llamaServer && openServerProgram(options.llamaServer)
    await server?.verify()
    const sandbox = await probeSandbox({
      ...options,
      entry,
      uid: uids.any(),
      emptyDirectory: directory,
      ...(program && { image: program.folder }),
      ...(server && { server: server.path }),
    })
    if (options.require === 'full' && !sandbox.report.full) {
      rmSync(directory, { recursive: true })
      throw engineError('ENGINE_SANDBOX', 'this machine cannot isolate engines as required', {
        expected: 'own uid, no network, no_new_privs',
        found: sandbox.report.reasons.join('; '),
        hint: 'run the enclave as root with CAP_SYS_ADMIN in its image, with util-linux installed',
      })
    }
    return new EngineHost({ ...options, entry }, sandbox, directory, uids, server)
  }

  private constructor(
    options: EngineHostOptions,
    sandbox: Sandbox,
    directory: string,
    uids: UidRange,
    server: ServerProgram | undefined,
  ) {
    this.server = server
    this.options = options
    this.sandboxed = sandbox
    this.directory = directory
    this.uids = uids
  }

  /** What every engine of this host gets. */
  get sandbox(): SandboxReport {
    return this.sandboxed.report
  }

  /** Loads a model into a process of its own. @throws `ENGINE_MODEL_INVALID`, `ENGINE_LOAD_FAILED`, `ENGINE_UNSUPPORTED` */
  async start(spec: EngineSpec): Promise<EngineProcess> {
    const { manifest } = spec
    if (modelDigest(manifest) !== manifest.digest)
      throw engineError('ENGINE_MODEL_INVALID', 'manifest digest is not that of its files')
    const server = manifest.engine === 'gguf' ? this.server : undefined
    const ram: RamFile[] = []
    const uid = this.uids.take()
    const release = (): void => {
      for (const file of ram.splice(0)) file.close()
      this.uids.giveBack(uid)
    }
    try {
      const contents = manifest.files.map(({ name }) => {
        const content = spec.files.get(name)
        if (content === undefined) throw engineError('ENGINE_MODEL_INVALID', `model file ${name} is missing`)
        return content
      })
      const empty = manifest.files.map((entry) => {
        const file = openRamFile(entry, this.options.ramDirectory)
        ram.push(file)
        return file
      })
      // The process starts while its files are still coming: it opens them when it is told to load, and not before.
      const filled = fillInOrder(empty, contents)
      filled.catch(() => undefined)
      const supervisor = await Supervisor.start(
        {
          prefix: [
            ...withMemoryLimit(spec.memoryBytes ?? defaultMemoryBytes(manifest)),
            ...this.sandboxed.prefix(uid, this.directory),
          ],
          execPath: this.options.execPath ?? process.execPath,
          entry: this.options.entry,
          program: this.options.program,
          server,
          emptyDirectory: this.directory,
          fds: ram.map((file) => file.fd),
          filled,
          loadTimeoutMs: spec.loadTimeoutMs ?? 120_000,
          message: {
            id: manifest.id,
            task: manifest.task,
            engine: server ? 'llama-server' : manifest.engine,
            ...(server && { serverProgram: server.path }),
            files: manifest.files.map(({ name, role, size }, index) => ({
              name,
              role,
              size,
              fd: FIRST_FILE_DESCRIPTOR + index,
            })),
            // The Node thread of an engine needs a core of its own; one that waits for a server does not.
            threads: spec.threads ?? Math.max(1, availableParallelism() - (server ? 0 : 1)),
            contextTokens: spec.contextTokens ?? 4096,
            concurrency: spec.concurrency ?? 4,
            maxItemBytes: spec.maxItemBytes ?? DEFAULT_MAX_ITEM_BYTES,
          },
        },
        {
          concurrency: spec.concurrency ?? 4,
          maxWaiting: spec.maxWaiting ?? 32,
          maxWaitMs: spec.maxWaitMs ?? 60_000,
          cancelGraceMs: spec.cancelGraceMs ?? 250,
          restartBackoffMs: spec.restartBackoffMs ?? 100,
        },
        this.options.onFailed,
      )
      const engine: EngineProcess = new EngineProcess(
        manifest,
        this.sandbox,
        supervisor,
        spec.idleTimeoutMs ?? 120_000,
        () => {
          this.engines.delete(engine)
          release()
        },
      )
      this.engines.add(engine)
      return engine
    } catch (error) {
      release()
      throw error
    }
  }

  /**
   * A place for one process of another program of the image, with a uid of its own. What the image holds is looked at
   * first, as before every start of an engine (T7).
   * @param memoryBytes private memory at most
   * @throws `ENGINE_PROGRAM_CHANGED`, `ENGINE_BUSY`
   */
  async place(memoryBytes: number): Promise<SandboxPlace> {
    const { program, execPath = process.execPath } = this.options
    await program?.verify()
    const uid = this.uids.take()
    return {
      execPath,
      prefix: [...withMemoryLimit(memoryBytes), ...this.sandboxed.prefix(uid, this.directory)],
      flags: program ? ['--import', pathToFileURL(program.preload).href] : [],
      emptyDirectory: this.directory,
      giveBack: () => this.uids.giveBack(uid),
    }
  }

  /** Ends every engine. */
  async close(): Promise<void> {
    await Promise.all([...this.engines].map((engine) => engine.close()))
    rmSync(this.directory, { recursive: true, force: true })
  }
}

/** One after the other: what comes out of one sealed artifact comes in this order. */
async function fillInOrder(files: readonly EmptyRamFile[], contents: readonly ModelBytes[]): Promise<void> {
  for (const [index, file] of files.entries()) await file.fill(contents[index]!)
}

function requireCovered(program: EngineProgram | undefined, paths: readonly string[]): void {
  const outside = paths.find((path) => program && !program.covers(path))
  if (outside === undefined) return
  throw engineError('ENGINE_PROGRAM_CHANGED', 'an engine would run a file that was not measured', {
    expected: 'a file of the image',
    found: outside,
  })
}
