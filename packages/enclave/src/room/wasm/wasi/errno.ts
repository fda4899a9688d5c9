/** `errno` of WASI preview 1, as far as it is answered here. */
export const ERRNO = {
  success: 0,
  badf: 8,
  exist: 20,
  fault: 21,
  ilseq: 25,
  inval: 28,
  isdir: 31,
  mfile: 33,
  nametoolong: 37,
  noent: 44,
  nosys: 52,
  notdir: 54,
  notsock: 57,
  rofs: 69,
  spipe: 70,
  notcapable: 76,
} as const
export type Errno = (typeof ERRNO)[keyof typeof ERRNO]

/** What a call of the module fails with; it goes on. */
export class WasiError extends Error {
  readonly errno: Errno

  constructor(errno: Errno) {
    super('a call failed')
    this.errno = errno
  }
}

/** @throws `WasiError` unless it holds */
export function ensure(holds: boolean, errno: Errno): asserts holds {
  if (!holds) throw new WasiError(errno)
}
