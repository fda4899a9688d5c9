import { toBase64Url } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { hasCode, SottoError } from '@sotto/protocol/errors'
import { verifierKey } from '@sotto/protocol/note'
import { expect } from 'vitest'
import { parseDeploymentFile } from '../../src/deploy/file/index.ts'

/** Ed25519, the same for the same name. */
export function publicKey(name: string): Uint8Array {
  return crypto.ed25519.importPrivate(crypto.sha256(new TextEncoder().encode(name))).publicKey
}

const image = (name: string): string => `registry.example/sotto/${name}@sha256:${'ab'.repeat(32)}`

/** A section `cluster` with everything that has to be there. */
export const CLUSTER = {
  images: { kms: image('kms'), inference: image('inference'), edge: image('edge') },
  tee: 'snp',
  members: { ada: toBase64Url(publicKey('ada')), bob: toBase64Url(publicKey('bob')) },
  threshold: 2,
  releaseKeys: [toBase64Url(publicKey('release'))],
  root: { source: 'tee' },
  log: {
    origin: 'log.example/1',
    key: verifierKey('log.example/1', 'ed25519', publicKey('log')),
    witnesses: [
      {
        url: 'https://witness.example/of/sotto',
        key: verifierKey('witness.example', 'cosignature-v1', publicKey('witness')),
      },
    ],
    quorum: 1,
  },
  relayHost: 'relay.example',
}

/** What refuses a file, as people read it. */
export interface Refusal {
  message: string
  all: string
}

/** Parses a text that has to be refused: by name, with the file, and with nothing of `secret` in any part of the error. */
export function refusalOf(text: string, secret?: string): Refusal {
  let error: unknown
  try {
    parseDeploymentFile(text, '/deployments/notes/sotto.yaml')
  } catch (thrown) {
    error = thrown
  }
  expect(error).toBeInstanceOf(SottoError)
  expect(hasCode(error, 'DEPLOY_FILE')).toBe(true)
  const { message, expected, found, hint, action } = error as SottoError
  expect(action).toBe('fix-input')
  expect(message.startsWith('/deployments/notes/sotto.yaml')).toBe(true)
  const all = [message, expected, found, hint].filter((one) => one !== undefined).join('\n')
  if (secret !== undefined) expect(all).not.toContain(secret)
  return { message: message.replace(/^\/deployments\/notes\/sotto\.yaml: /, ''), all }
}
