import { existsSync } from 'node:fs'

const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Chromium, or undefined with a printed reason; missing it is a failure in CI. */
export function findChromium(): string | undefined {
  const found = PATHS.find((path) => existsSync(path))
  if (!found && process.env['CI'])
    throw new Error('no Chromium on this machine; CI needs one (Debian package chromium)')
  if (!found) process.stderr.write('skipped: browser tests need Chromium (Debian package chromium)\n')
  return found
}
