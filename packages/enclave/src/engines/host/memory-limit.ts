import type { EngineName, ModelManifest } from '../types.ts'
import { availablePrograms } from '../../sandbox/index.ts'

/** What Node and the runtime take before a model is loaded, and what its answers need. */
const BASE_BYTES = 2 * 1024 ** 3
/** The file, the runtime's own copy of it, what it makes of it while it optimises, and as much again. */
const COPIES_OF_WEIGHTS = 4

/**
 * Engines that run a graph: a few bytes of a graph can ask for any amount of memory, when it loads or for one input.
 * What a GGUF model needs follows from its header and its context, which its engine bounds itself.
 */
const GRAPH_ENGINES: ReadonlySet<EngineName> = new Set(['onnx', 'ctc', 'whisper', 'seq2seq', 'embedding'])

/** Bytes of private memory that a model may take by default; undefined: as much as there is. */
export function defaultMemoryBytes({
  engine,
  files,
}: Pick<ModelManifest, 'engine' | 'files'>): number | undefined {
  if (!GRAPH_ENGINES.has(engine)) return undefined
  return BASE_BYTES + COPIES_OF_WEIGHTS * files.reduce((sum, { size }) => sum + size, 0)
}

/**
 * Words to put before a command that may take so much private memory (RLIMIT_DATA): beyond it an allocation fails in
 * that process, and nobody else's memory is gone by then. None where prlimit(1) is not there.
 */
export function withMemoryLimit(bytes: number | undefined): string[] {
  const { prlimit } = availablePrograms()
  return prlimit === undefined || bytes === undefined ? [] : [prlimit, `--data=${bytes}:${bytes}`]
}
