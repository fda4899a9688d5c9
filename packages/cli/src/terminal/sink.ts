/** Where text goes. Writes keep their order; a promise resolves when the reader has room again. */
export interface Sink {
  readonly isTerminal: boolean
  /** Columns of the terminal; 80 when unknown. */
  readonly columns: number
  write(data: string | Uint8Array): void | Promise<void>
}
