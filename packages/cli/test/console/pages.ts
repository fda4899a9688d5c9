import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { pageHeaders } from '../../src/console/headers.ts'
import { digestOf } from '../../src/console/manifest.ts'
import type { InstalledPages } from '../../src/console/pages.ts'

/** A small set of pages. */
export const FILES: Readonly<Record<string, string>> = {
  'console.css': 'body{color:red}',
  'console.js': 'import("./Trust-A1.js")',
  'index.html': '<!doctype html><script type="module" src="console.js"></script>',
  'Trust-A1.js': 'export default 1',
}

/** Lines of their manifest, as a build writes them. */
export function manifestOf(files: Readonly<Record<string, string>> = FILES): string {
  return Object.entries(files)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, text]) => `${digestOf(Buffer.from(text))}  ${name}\n`)
    .join('')
}

/** Puts pages where an installation has them, until the test ends. */
export function installPages(files: Readonly<Record<string, string>> = FILES): InstalledPages {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-pages-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return { folder, manifest: manifestOf(files) }
}

/** Somebody who serves pages at `https://chat.example/app/`; a test changes what it serves. */
export interface FakeHost {
  files: Record<string, string>
  headers: Record<string, string>
  /** Instead of a file. */
  answers: Record<string, () => Response>
  asked: string[]
  fetch: typeof globalThis.fetch
}

/** One that serves exactly {@link FILES}, strictly, for a relay and with a policy. */
export function openFakeHost(relay: string, policy: object): FakeHost {
  const host: FakeHost = {
    files: {
      ...FILES,
      SHA256SUMS: manifestOf(),
      'console.json': JSON.stringify({ relay, gateway: 'inference', policy }),
    },
    headers: pageHeaders(relay),
    answers: {},
    asked: [],
    fetch: (input) => {
      const { href, pathname } = new URL(input as URL)
      const path = pathname.slice('/app/'.length) || './'
      // The folder is the first page, unless a test says otherwise.
      const name = path === './' && !('./' in host.files) ? 'index.html' : path
      host.asked.push(href.startsWith('https://chat.example/app/') ? name : href)
      const answer = host.answers[name]
      if (answer !== undefined) return Promise.resolve(answer())
      const text = host.files[name]
      return Promise.resolve(
        text === undefined
          ? new Response('no', { status: 404 })
          : new Response(text, { headers: host.headers }),
      )
    },
  }
  return host
}
