import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type RunningProxy, startProxy, type StartProxyOptions } from '../../src/proxy/index.ts'

/** A folder that is gone after the test. */
export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-proxy-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

export const TRUST = { ok: true, steps: [], software: false, trustedParties: [], validUntil: 2 ** 40 }

/** What a fake connection was asked. */
export interface Asked {
  url: string
  method: string
  headers: Headers
  body: unknown
}

/** A proxy before a fake connection, closed after the test. */
export async function startTestProxy(
  fetch: (url: string, init: RequestInit) => Promise<Response> | Response,
  options: Partial<StartProxyOptions> = {},
): Promise<{ proxy: RunningProxy; asked: Asked[] }> {
  const asked: Asked[] = []
  const send = async (url: unknown, init: RequestInit = {}): Promise<Response> => {
    asked.push({
      url: String(url),
      method: init.method ?? 'GET',
      headers: new Headers(init.headers),
      body: init.body,
    })
    return fetch(String(url), init)
  }
  const proxy = await startProxy({
    sotto: { fetch: send as typeof globalThis.fetch, trust: TRUST, receipts: [] },
    port: 0,
    ...options,
  })
  onTestFinished(() => proxy.close())
  return { proxy, asked }
}

/** An answer that goes on until it is ended. */
export function openAnswer(): { response: Response; say(text: string): void; end(): void } {
  let controller!: ReadableStreamDefaultController<Uint8Array>
  const body = new ReadableStream<Uint8Array>({ start: (given) => void (controller = given) })
  return {
    response: new Response(body, { headers: { 'content-type': 'text/plain' } }),
    say: (text) => controller.enqueue(new TextEncoder().encode(text)),
    end: () => controller.close(),
  }
}
