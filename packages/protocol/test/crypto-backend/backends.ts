import { expect } from 'vitest'
import type { CryptoBackend, Sha2Name } from '@sotto/protocol/crypto-backend'
import { crypto as browser } from '@sotto/protocol/crypto-backend/browser'
import { crypto as node } from '@sotto/protocol/crypto-backend/node'

/** Each backend, with the other one to compare it with. */
export const backends: [string, CryptoBackend, CryptoBackend][] = [
  ['node', node, browser],
  ['browser', browser, node],
]
export const hashes: Sha2Name[] = ['sha256', 'sha384', 'sha512']
export const badKey = expect.objectContaining({ code: 'CRYPTO_BAD_KEY' }) as Error
