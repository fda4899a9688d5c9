import { expect, test } from 'vitest'
import { concat } from '@sotto/protocol/bytes'
import { parseReceiptTrailer, RECEIPT_TRAILER, type ReceiptTrailer } from '@sotto/protocol/receipts'
import { claim } from '../../../../test/claims.ts'
import { echo } from './echo.ts'
import { ask, openAnswer, openGateway, outerRequest, sealedChunks } from './parties.ts'

function open(inner: Parameters<typeof openGateway>[0]) {
  const told: ReceiptTrailer[] = []
  return { gateway: openGateway(inner, { onReceipt: (receipt) => void told.push(receipt) }), told }
}

test('whoever keeps receipts is told each one that is signed, as its client gets it', async () => {
  const { gateway, told } = open(echo)
  const answers = [await ask(gateway, { body: 'one' }), await ask(gateway, { method: 'GET' })]
  const sent = answers.map(({ trailers }) => parseReceiptTrailer(new Map(trailers).get(RECEIPT_TRAILER)!))
  expect(told).toEqual(sent)
  expect(new Set(told.map(({ salt }) => salt)).size).toBe(2)
})

test(claim('T16', 'of a stream that was cut there is no receipt to be told of'), async () => {
  const { gateway, told } = open(
    async () =>
      new Response(
        new ReadableStream({
          pull(controller) {
            controller.enqueue(new TextEncoder().encode('half of '))
            controller.error(new Error('cut'))
          },
        }),
      ),
  )
  const { sealer, parts } = sealedChunks(gateway.key, { body: 'hello' })
  const response = await gateway.app(outerRequest(concat(...parts)))
  await expect(openAnswer(response, sealer)).rejects.toThrow()
  expect(told).toEqual([])
})
