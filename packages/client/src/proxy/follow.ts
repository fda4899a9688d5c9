/**
 * The same answer, with a call when it is over: read to its end, or failed (with why), or no longer wanted. Called once.
 */
export function followResponse(response: Response, onOver: (failure?: unknown) => void): Response {
  if (response.body === null) {
    onOver()
    return response
  }
  const reader = response.body.getReader()
  let isOver = false
  function over(failure?: unknown): void {
    if (isOver) return
    isOver = true
    onOver(failure)
  }
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read()
          if (!done && !isOver) return controller.enqueue(value)
          // Whoever wants no more may say so while this waits; what comes then is its end as well.
          if (!isOver) controller.close()
          over()
        } catch (error) {
          over(error)
          throw error
        }
      },
      async cancel(reason) {
        over()
        await reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
  return new Response(body as BodyInit, { status: response.status, headers: response.headers })
}
