import { expect, test } from 'vitest'
import type { DataUse } from '@sotto/protocol/data-use'
import { claim } from '../../../../test/claims.ts'
import { limitToDataUse } from '../../src/models/index.ts'
import { createUsageLedger, meterModel } from '../../src/usage/index.ts'
import { apiOf, DIGEST, echoModel, errorOf, inferJson } from '../api/kserve/support.ts'

const use = (...tasks: DataUse['tasks']): DataUse => ({ tasks, retentionSeconds: 0, training: false })
const SIGNAL = new AbortController().signal

test(claim('T20', 'tensors are computed with where the data use says so, and nowhere else'), async () => {
  expect(limitToDataUse(echoModel(), use('tensors')).infer).toBeTypeOf('function')
  expect(() => limitToDataUse(echoModel(), use('embedding'))).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID' }),
  )
  const limited = limitToDataUse(
    { ...echoModel(), embed: () => Promise.reject(new Error()) },
    use('embedding'),
  )
  expect(await errorOf(await apiOf(limited)(inferJson('owner/echo', { inputs: [] })))).toMatchObject({
    status: 400,
    code: 'api_unsupported',
  })
})

test('an inference counts once it is answered, and not when it fails', async () => {
  const ledger = createUsageLedger()
  await meterModel(echoModel(), ledger).infer!({ inputs: [], outputs: [] }, SIGNAL)
  const failing = { ...echoModel(), infer: () => Promise.reject(new Error('refused')) }
  await expect(meterModel(failing, ledger).infer!({ inputs: [] }, SIGNAL)).rejects.toThrow('refused')
  expect(ledger.totals()).toEqual([
    { model: DIGEST, requests: 1, audioSeconds: 0, inputTokens: 0, outputTokens: 0, answers: 1 },
  ])
})

test('what limits and counts a model leaves its health where it is', () => {
  let isReady = true
  const health = {
    get isReady() {
      return isReady
    },
  }
  const model = meterModel(limitToDataUse(echoModel([], { health }), use('tensors')), createUsageLedger())
  isReady = false
  expect(model.health!.isReady).toBe(false)
})
