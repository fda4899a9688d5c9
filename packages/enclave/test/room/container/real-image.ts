import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import type { ContainerTask } from '@sotto/protocol/contract'
import { onTestFinished } from 'vitest'
import {
  type ContainerEngine,
  type ContainerEngineOptions,
  type ContainerRun,
  createContainerEngine,
  runContainer,
  unmeasuredContainerProgram,
} from '../../../src/room/container/index.ts'

import {
  type BuiltLayout,
  buildLayout,
  file,
  folder,
  type LayoutChange,
  ramFile,
  type WrittenEntry,
} from './layouts.ts'

/** Programs of this machine that an image of a test has, with the libraries that they need. */
const PROGRAMS = ['/bin/sh', '/usr/bin/perl']

/** Entries of a layer with these programs; undefined where they cannot be found. */
function programsLayer(): WrittenEntry[] | undefined {
  const paths = new Set<string>()
  for (const program of PROGRAMS) {
    if (!existsSync(program)) return undefined
    const { status, stdout } = spawnSync('ldd', [program], { encoding: 'utf8' })
    if (status !== 0) return undefined
    paths.add(program)
    for (const [path] of stdout.matchAll(/\/\S+/g)) paths.add(path)
  }
  return [...paths].map((path) => file(path.slice(1), readFileSync(realpathSync(path)), 0o755))
}

const programs = programsLayer()

/** Why no container can run here, said aloud; undefined: it can. Where everything has to be proven (CI), it has to. */
export async function whyNoContainer(
  options: Partial<ContainerEngineOptions> = {},
): Promise<string | undefined> {
  const found = await reasonOf(options)
  if (found !== undefined && process.env['CI']) throw new Error(`no container runs here: ${found}`)
  if (found !== undefined) process.stderr.write(`skipped: no container runs here: ${found}\n`)
  return found
}

async function reasonOf(options: Partial<ContainerEngineOptions>): Promise<string | undefined> {
  if (programs === undefined) return 'no sh and perl with ldd to make an image of'
  try {
    const engine = await createContainerEngine({
      program: unmeasuredContainerProgram(),
      require: 'best-effort',
      ...options,
    })
    engine.close()
    return undefined
  } catch (error) {
    return (error as { found?: string }).found ?? String(error)
  }
}

let base: BuiltLayout | undefined

/** An image with a shell and perl, and what a test adds in a layer of its own. */
export function imageWith(entries?: readonly WrittenEntry[], change?: LayoutChange): BuiltLayout {
  if (entries === undefined && change === undefined)
    return (base ??= buildLayout([programs!], { gzip: true }))
  return buildLayout([programs!, [folder('job'), ...(entries ?? [])]], change)
}

export async function openEngine(change: Partial<ContainerEngineOptions> = {}): Promise<ContainerEngine> {
  const engine = await createContainerEngine({
    program: unmeasuredContainerProgram(),
    require: 'best-effort',
    ...change,
  })
  onTestFinished(() => engine.close())
  return engine
}

/** What a test says of a run. */
export interface TestRun extends Partial<Omit<ContainerRun, 'task' | 'image'>> {
  image?: BuiltLayout
  task?: Partial<ContainerTask>
}

export function taskOf(manifest: string, command: string[]): ContainerTask {
  const limits = { memoryBytes: 256 * 2 ** 20, seconds: 20 }
  return { kind: 'container', image: 'code', manifest, command, env: {}, limits }
}

/** Runs a command in an image of programs of this machine. */
export async function run(engine: ContainerEngine, command: string[], change: TestRun = {}): Promise<string> {
  const { image = imageWith(), task = {}, ...rest } = change
  const bytes = await runContainer(engine, {
    inputs: new Map(),
    maxOutputBytes: 65_536,
    ...rest,
    image: ramFile(image.tar),
    task: { ...taskOf(image.manifest, command), ...task },
  })
  return Buffer.from(bytes).toString()
}

export const perl = (code: string): string[] => ['/usr/bin/perl', '-e', code]
/** What its standard output would be is what it leaves. */
export const shell = (code: string): string[] => ['/bin/sh', '-c', `exec > /out/result; ${code}`]
/** For {@link perl}: the same. */
export const SAY = 'open(STDOUT, ">", "/out/result") or exit 9; '
