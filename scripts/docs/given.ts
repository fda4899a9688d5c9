/** What blocks of TypeScript in the pages take for granted: names that a reader has, or has just made. */
export const GIVEN = `
import type { ConnectOptions, ModelOwner, Sotto } from '@sotto/client'
import type { TrustPolicy } from '@sotto/verifier'

declare global {
  const policy: TrustPolicy
  const sotto: Sotto
  const relay: string
  const id: string
  const invitation: string
  const digest: string
  const owner: ModelOwner
  const seed: Uint8Array
  const bytes: Uint8Array
  const entry: Uint8Array
  const file: Blob
  const samples: Float32Array
  const pixels: Uint8Array
  const microphone: ReadableStream<Uint8Array>
  const publicKey: Parameters<typeof import('@sotto/protocol/cose').verifyCoseReceipt>[1]['publicKey']
  const openai: import('openai').OpenAI
  const schema: Record<string, unknown>
  // A release, and who signed what about it.
  const image: string
  const envelope: Uint8Array
  const envelopes: Uint8Array[]
  const sbomEnvelope: Uint8Array
  const sbom: Uint8Array
  const builderKeys: Uint8Array[]
  const key: Uint8Array
  const other: Uint8Array
  function show(text: string): void
}
export {}
`
