/**
 * Has a request answered while its token is being spent, which takes the time of a durable write elsewhere. Nothing of
 * the answer leaves before; where the token turns out spent, the work ends and its answer is thrown away.
 *
 * @param answer called at once; its signal is aborted with `signal`, and when nothing may be answered
 * @throws what `spent` throws, else what `answer` throws
 */
export async function answerOnceSpent(
  spent: Promise<void>,
  signal: AbortSignal,
  answer: (signal: AbortSignal) => Promise<Response>,
): Promise<Response> {
  const refused = new AbortController()
  const answering = answer(AbortSignal.any([signal, refused.signal]))
  // What it throws is told once it may be.
  answering.catch(() => undefined)
  try {
    await spent
  } catch (error) {
    refused.abort(error)
    answering.then((response) => response.body?.cancel()).catch(() => undefined)
    throw error
  }
  return answering
}
