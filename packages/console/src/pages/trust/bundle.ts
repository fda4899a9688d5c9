import { relayAddresses } from '@sotto/client/trust'
import type { ConsoleConfig } from '../../connection/index.ts'

const MAX_BUNDLE_BYTES = 8 * 1024 * 1024

/** The trust bundle as it is served: what was judged, for people who want to judge themselves. Nothing is decided by it here. */
export async function readBundle({ relay, gateway }: ConsoleConfig): Promise<string> {
  const response = await fetch(relayAddresses(relay, gateway).trust, {
    credentials: 'omit',
    redirect: 'error',
  })
  if (!response.ok) throw new Error(`the relay serves no trust bundle: ${response.status}`)
  const text = await response.text()
  if (text.length > MAX_BUNDLE_BYTES) throw new Error('the trust bundle is too long')
  return JSON.stringify(JSON.parse(text), undefined, 2)
}
