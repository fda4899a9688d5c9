/** Something that reads untrusted bytes. */
export interface Target {
  name: string
  /** Valid inputs to start from. None where they are real evidence and its folder is not there. */
  seeds(): Uint8Array[] | Promise<Uint8Array[]>
  /** Reads a mutation of the seed of this index. Errors that are no refusals are crashes. */
  run(input: Uint8Array, seed: number): void
  /** Checks signatures too: a hundred times slower than a parser, so that fewer inputs are asked of it. */
  isVerifier?: true
}

/** A parser: it may answer or refuse. */
export function parser(name: string, seeds: Target['seeds'], run: (bytes: Uint8Array) => unknown): Target {
  return { name, seeds, run: (input) => void run(input) }
}
