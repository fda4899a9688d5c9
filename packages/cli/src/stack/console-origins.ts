/** Port of `sotto console`. */
export const CONSOLE_PORT = 8790

/** Where `sotto console` serves pages on this machine: a local stack lets them use its relay without being told. */
export const CONSOLE_ORIGINS: readonly string[] = [
  `http://127.0.0.1:${CONSOLE_PORT}`,
  `http://localhost:${CONSOLE_PORT}`,
]
