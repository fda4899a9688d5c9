import { expect, it, vi } from 'vitest'
import { crypto } from '@sotto/protocol/crypto-backend'
import { ohttp } from '../../../../scripts/vectors/ohttp.ts'
import { describeVectors } from '../../../../scripts/vectors/testing.ts'

vi.mock('../../src/crypto-backend/node.ts', () => import('../../src/crypto-backend/browser.ts'))

it('runs on the backend for browsers', () => {
  expect(crypto.name).toBe('browser')
})

describeVectors(ohttp)
