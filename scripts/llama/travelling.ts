import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

const modules = resolve(import.meta.dirname, '../../node_modules')
/** The whole source of llama.cpp, as a git bundle: it travels in node-llama-cpp. */
export const BUNDLE = join(modules, 'node-llama-cpp/llama/gitRelease.bundle')
const LIBRARIES = join(modules, `@node-llama-cpp/linux-${process.arch}/bins/linux-${process.arch}`)
const LINKED = /^lib(llama-common|llama\.|ggml\.|ggml-base)/
const HEADERS = ['include', 'ggml/include', 'common', 'vendor']

/** Where something is being built. */
export interface Building {
  /** A checkout of llama.cpp. */
  readonly source: string
  /** Becomes the folder of the programs; the libraries that travel in the package lie in it already. */
  readonly staging: string
}

/** The commit that travels in the package. */
export function travellingCommit(): string {
  return execFileSync('git', ['bundle', 'list-heads', BUNDLE], { encoding: 'utf8' }).split(' ')[0]!
}

/** Fills `folder` with programs unless it holds those of this version, and answers it. */
export function buildOnce(folder: string, make: (building: Building) => void): string {
  const stamp = `${travellingCommit()} ${process.arch}\n`
  const stampFile = join(folder, 'stamp')
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return folder
  mkdirSync(dirname(folder), { recursive: true })
  const work = mkdtempSync(`${folder}-building-`)
  try {
    const source = join(work, 'source')
    run('git', ['clone', '--quiet', BUNDLE, source])
    const staging = join(work, 'programs')
    mkdirSync(staging)
    // Beside the programs: there llama.cpp looks for the library that suits the processor.
    for (const name of libraries()) copyFileSync(join(LIBRARIES, name), join(staging, name))
    make({ source, staging })
    writeFileSync(join(staging, 'stamp'), stamp)
    // Whole or not at all: a build that is stopped half-way leaves nothing under the name of a good one.
    rmSync(folder, { recursive: true, force: true })
    renameSync(staging, folder)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return folder
}

/** Compiles `files` with the headers of llama.cpp. @param words what else the compiler is told */
export function compile({ source }: Building, files: readonly string[], words: readonly string[]): void {
  const headers = HEADERS.flatMap((folder) => ['-I', join(source, folder)])
  run('g++', ['-std=c++17', '-w', ...headers, ...files, ...words])
}

/** What links a program with the libraries beside it. */
export function linkWords({ staging }: Building, program: string): string[] {
  return [
    '-o',
    join(staging, program),
    `-L${staging}`,
    ...libraries()
      .filter((name) => LINKED.test(name))
      .map((name) => `-l:${name}`),
    '-pthread',
    '-Wl,-rpath,$ORIGIN',
    '-Wl,--allow-shlib-undefined',
  ]
}

/** What the tools say goes to stderr: standard output is the folder alone. */
export function run(program: string, words: readonly string[]): void {
  execFileSync(program, words, { stdio: ['ignore', process.stderr, process.stderr] })
}

function libraries(): string[] {
  return readdirSync(LIBRARIES).filter((name) => name.startsWith('lib'))
}
