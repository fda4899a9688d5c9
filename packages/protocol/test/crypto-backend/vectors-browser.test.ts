import { expect, it, vi } from 'vitest'
import { crypto } from '@sotto/protocol/crypto-backend'
import { mlkem } from '../../../../scripts/vectors/mlkem.ts'
import { describeVectors } from '../../../../scripts/vectors/testing.ts'
import { wycheproof } from '../../../../scripts/vectors/wycheproof.ts'
import { xwing } from '../../../../scripts/vectors/xwing.ts'

vi.mock('../../src/crypto-backend/node.ts', () => import('../../src/crypto-backend/browser.ts'))

it('runs on the backend for browsers', () => {
  expect(crypto.name).toBe('browser')
})

describeVectors(mlkem)
describeVectors(wycheproof)
describeVectors(xwing)
