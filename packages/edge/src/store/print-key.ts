/**
 * Takes `--print-key` off a role's command line. Log and witness name each other's verifier keys in
 * their configurations, so one must be able to make a key and say it before either runs.
 */
export function takePrintKeyFlag(argv: readonly string[]): {
  argv: string[]
  printKey: (verifierKey: string) => boolean
} {
  const isWanted = argv.includes('--print-key')
  return {
    argv: argv.filter((argument) => argument !== '--print-key'),
    printKey(verifierKey) {
      if (isWanted) process.stdout.write(`${verifierKey}\n`)
      return isWanted
    },
  }
}
