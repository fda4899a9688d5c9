/** What one llama-server is started with. */
export interface ServerFlags {
  /** Path of the model: of a descriptor in memory. */
  readonly model: string
  /** Path of the adapter, where the model has one. */
  readonly adapter?: string
  /** Name of an abstract socket, without the byte before it. */
  readonly socket: string
  readonly slots: number
  /** Tokens of each slot. */
  readonly contextTokens: number
  readonly threads: number
}

/**
 * Command line of a llama-server that keeps nothing of a request for another. By default it does: finished prompts go to a
 * cache in memory, idle slots are copied there, and a slot is chosen by whose words it holds (llama.cpp #27148, #27422).
 */
export function serverFlags(flags: ServerFlags): string[] {
  const { model, adapter, socket, slots, contextTokens, threads } = flags
  return [
    ['--model', model],
    adapter === undefined ? [] : ['--lora', adapter],
    // llama.cpp takes a host for a Unix socket by its ending, and writes the zero byte of an abstract one as @.
    ['--host', `@${socket}`],
    ['--parallel', `${slots}`],
    // A context of its own for each slot: one long prompt takes nothing from the others.
    ['--no-kv-unified', '--ctx-size', `${slots * contextTokens}`],
    ['--threads', `${threads}`, '--threads-batch', `${threads}`],
    // Nothing of one request for another, unless a request says so itself.
    ['--cache-ram', '0', '--no-cache-idle-slots', '--no-cache-prompt', '--cache-reuse', '0'],
    ['--ctx-checkpoints', '0', '--slot-prompt-similarity', '0'],
    // Nothing to look at, nothing to change, nothing forgotten in silence.
    ['--no-slots', '--no-ui', '--no-context-shift'],
    // No logs, because they quote prompts; no network; and no trial of the machine's memory.
    ['--log-disable', '--offline', '--fit', 'off'],
  ].flat()
}
