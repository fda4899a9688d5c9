import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { describe, expect, it } from 'vitest'
import type * as Client from '../src/index.ts'
import { createService, RELAY } from './support/service.ts'

const entry = (name: string): string => fileURLToPath(new URL(`../src/${name}`, import.meta.url))

async function bundle(name: string): Promise<{ code: string; inputs: string[] }> {
  const result = await build({
    entryPoints: [entry(name)],
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    minify: true,
    logLevel: 'silent',
  })
  return { code: result.outputFiles[0]!.text, inputs: Object.keys(result.metafile.inputs) }
}

describe('the client in a browser', () => {
  it('needs nothing of Node and brings no local server', async () => {
    // esbuild refuses node: imports for browsers, so a bundle that builds has none.
    const { code, inputs } = await bundle('index.ts')
    expect(code).not.toMatch(/from\s*"node:|(?<!\.)\brequire\(["'`]/)
    expect(inputs.filter((path) => /client\/src\/(proxy|node)\/|crypto-backend\/node/.test(path))).toEqual([])
  })

  it('verifies and talks to the service with the browser’s cryptography', async () => {
    const { code } = await bundle('index.ts')
    const url = `data:text/javascript;base64,${Buffer.from(code).toString('base64')}`
    const browser = (await import(/* @vite-ignore */ url)) as typeof Client
    const service = await createService()
    service.knobs.app = async (request) => new Response(`${await request.text()}, said the enclave`)
    const sotto = await browser.connect(RELAY, {
      policy: service.world.policy,
      fetch: service.fetch,
      now: service.now,
      streamUploads: false,
    })
    const response = await sotto.fetch(`${sotto.baseURL}/echo`, { method: 'POST', body: 'hello' })
    expect(await response.text()).toBe('hello, said the enclave')
    await expect(sotto.receiptOf(response)).resolves.toMatchObject({ version: 1 })
  })

  it('is small enough to audit, verifiers of every vendor and rooms included', async () => {
    const { code } = await bundle('index.ts')
    expect(gzipSync(code, { level: 9 }).length).toBeLessThan(240_000)
  })

  it('loads first what verifies and asks; models, tensors, tokens and live text once they are used', async () => {
    const { outputFiles, metafile } = await build({
      entryPoints: [entry('index.ts')],
      outdir: 'out',
      bundle: true,
      splitting: true,
      write: false,
      metafile: true,
      format: 'esm',
      platform: 'browser',
      minify: true,
      logLevel: 'silent',
    })
    const first = new Set(['out/index.js'])
    // Grows while it is walked: what a file imports at once is loaded with it.
    for (const name of first)
      for (const { path, kind } of metafile.outputs[name]!.imports)
        if (kind === 'import-statement') first.add(path)
    const inputs = [...first].flatMap((name) => Object.entries(metafile.outputs[name]!.inputs))
    const loaded = inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path)
    expect(loaded).toContain('packages/client/src/fetch/verified-fetch.ts')
    const later = /client\/src\/(models\/(?!owner)|tensors\/(?!from-raw)|live\/(?!load)|tokens\/)/
    expect(loaded.filter((path) => later.test(path))).toEqual([])
    const sizes = outputFiles
      .filter(({ path }) => [...first].some((name) => path.endsWith(name)))
      .map(({ contents }) => gzipSync(contents, { level: 9 }).length)
    expect(sizes.length).toBe(first.size)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(187_000)
  })
})
