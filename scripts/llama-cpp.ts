/**
 * Builds llama-server, llama-bench and llama-quantize from the llama.cpp source that travels in node-llama-cpp:
 * offline, with git, cmake and a C++ compiler. `node scripts/llama-cpp.ts [FOLDER]` prints the folder of the programs.
 * Each is one static program: an enclave that names its digest in its configuration has measured all that runs, and starts
 * no other (`packages/enclave/src/engines/host/server-program.ts`).
 *
 * The cache is keyed by commit, processor and options, so another version of the package builds anew and the same one
 * does not. Tests and benchmarks find the server by `SOTTO_LLAMA_SERVER`.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { readElfLoads } from '../packages/enclave/src/engines/host/elf.ts'

const BUNDLE = resolve(import.meta.dirname, '../node_modules/node-llama-cpp/llama/gitRelease.bundle')
const PROGRAMS = ['llama-server', 'llama-bench', 'llama-quantize']

/**
 * Static, and at another address each time; and whoever asks for a library by name ends the program: llama.cpp can look
 * through the folder it lies in for backends, also where it is built without any.
 */
const LINKED = '-static-pie -Wl,--defsym=dlopen=abort'

/** One static program each, for any processor of this kind, with nothing that reaches for the network or other programs. */
const OPTIONS = [
  '-DCMAKE_BUILD_TYPE=Release',
  '-DBUILD_SHARED_LIBS=OFF',
  '-DCMAKE_C_FLAGS=-fPIE',
  '-DCMAKE_CXX_FLAGS=-fPIE',
  `-DCMAKE_EXE_LINKER_FLAGS=${LINKED}`,
  '-DGGML_NATIVE=OFF',
  '-DGGML_OPENMP=OFF',
  '-DLLAMA_OPENSSL=OFF',
  '-DLLAMA_SUBPROCESS=OFF',
  '-DLLAMA_BUILD_UI=OFF',
  '-DLLAMA_USE_PREBUILT_UI=OFF',
  '-DLLAMA_BUILD_TESTS=OFF',
  '-DLLAMA_BUILD_EXAMPLES=OFF',
  '-DLLAMA_BUILD_APP=OFF',
]

/** Builds what the cache lacks and answers the folder of the programs. */
function build(cache: string): string {
  const [commit] = execFileSync('git', ['bundle', 'list-heads', BUNDLE], { encoding: 'utf8' }).split(' ')
  const key = createHash('sha256').update(OPTIONS.join('\n')).digest('hex').slice(0, 8)
  const folder = join(cache, `${commit!.slice(0, 12)}-${process.arch}-${key}`)
  if (PROGRAMS.every((name) => existsSync(join(folder, name)))) return folder
  mkdirSync(cache, { recursive: true })
  const work = mkdtempSync(join(cache, 'building-'))
  try {
    run('git', ['clone', '--quiet', BUNDLE, join(work, 'source')])
    const into = join(work, 'build')
    run('cmake', ['-S', join(work, 'source'), '-B', into, ...OPTIONS])
    const targets = PROGRAMS.flatMap((name) => ['--target', name])
    run('cmake', ['--build', into, '--parallel', process.env['SOTTO_BUILD_JOBS'] ?? '2', ...targets])
    for (const name of PROGRAMS) requireStatic(join(into, 'bin', name))
    // Whole or not at all: a build that is stopped half-way leaves nothing under the name of a good one.
    rmSync(folder, { recursive: true, force: true })
    renameSync(join(into, 'bin'), folder)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return folder
}

/** A compiler that is set up in another way may not do as it is told. */
function requireStatic(path: string): void {
  const bytes = readFileSync(path)
  const { interpreter, libraries } = readElfLoads({
    size: bytes.length,
    read: (offset, length) => bytes.subarray(offset, offset + length),
  })
  if (interpreter === undefined && libraries.length === 0) return
  throw new Error(`${path} is not static: it loads ${[interpreter, ...libraries].filter(Boolean).join(', ')}`)
}

/** What the tools say goes to stderr: standard output is the folder alone. */
function run(program: string, words: readonly string[]): void {
  execFileSync(program, words, { stdio: ['ignore', process.stderr, process.stderr] })
}

const cache =
  process.argv[2] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sotto', 'llama.cpp')
process.stdout.write(`${build(resolve(cache))}\n`)
